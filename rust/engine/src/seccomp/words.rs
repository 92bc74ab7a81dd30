// SPDX-License-Identifier: Apache-2.0
//! Reads the profile's words (actions, operators, architectures, flags) as the kernel's numbers.

use crate::error::{Error, ErrorKind, Result};
use crate::generated::lookup;
use crate::generated::seccomp::{ACTIONS, ARCHITECTURES, FLAGS, OPERATORS};
use crate::spec::Text;
use crate::spec::seccomp::{Argument, Entry, Profile};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a filter returns (linux/seccomp.h, SECCOMP_RET_*).
pub const KILL_THREAD: u32 = 0x0000_0000;
pub const ERRNO: u32 = 0x0005_0000;
pub const NOTIFY: u32 = 0x7fc0_0000;
pub const TRACE: u32 = 0x7ff0_0000;
pub const LOG: u32 = 0x7ffc_0000;
pub const ALLOW: u32 = 0x7fff_0000;
const ACTION_MASK: u32 = 0xffff_0000;

const EPERM: u32 = 1;
/// The kernel cuts larger error numbers down to this one (MAX_ERRNO).
const LARGEST_ERRNO: u32 = 4095;
const LARGEST_TRACE_MESSAGE: u32 = 0xffff;
const ARGUMENT_COUNT: u32 = 6;

/// linux/seccomp.h, SECCOMP_FILTER_FLAG_*.
const FLAG_TSYNC: u32 = 1;
const FLAG_SPEC_ALLOW: u32 = 4;
pub const FLAG_NEW_LISTENER: u32 = 8;
const FLAG_WAIT_KILLABLE_RECV: u32 = 32;

/// How an argument is compared. Less and less-or-equal are the negations of the other two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operator {
    NotEqual,
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
    MaskedEqual,
}

/// One comparison: `argument & mask` with `value`. The mask is all ones but for `MaskedEqual`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Condition {
    pub argument: u32,
    pub operator: Operator,
    pub mask: u64,
    pub value: u64,
}

/// One object of `syscalls`, read. `conditions` holds alternatives, each a list joined by AND.
#[derive(Debug)]
pub struct Parsed<'a> {
    pub index: usize,
    pub names: &'a [Text<'a>],
    pub action: u32,
    pub alternatives: Vec<Vec<Condition>>,
}

/// Whether calls that the profile does not name are let through, or left to a tracer or an agent to answer.
pub fn is_permissive(action: u32) -> bool {
    matches!(action & ACTION_MASK, ALLOW | LOG | TRACE | NOTIFY)
}

/// The return value for calls that no entry decides.
pub fn default_action(profile: &Profile<'_>) -> Result<u32> {
    let place = ["/linux/seccomp/defaultAction", "/linux/seccomp/defaultErrnoRet"].map(String::from);
    action(&profile.default_action, profile.default_errno_ret, place)
}

/// All entries of `syscalls`, in order.
pub fn entries<'a>(profile: &'a Profile<'a>) -> Result<Vec<Parsed<'a>>> {
    let list = profile.syscalls.as_deref().unwrap_or_default();
    list.iter().enumerate().map(|(index, entry)| parse_entry(index, entry)).collect()
}

/// Check the words of `architectures`; which of them count here is `abi::chosen`'s matter.
pub fn architectures<'a>(profile: &'a Profile<'a>) -> Result<&'a [Text<'a>]> {
    let list = profile.architectures.as_deref().unwrap_or_default();
    for (index, word) in list.iter().enumerate() {
        let pointer = || format!("/linux/seccomp/architectures/{index}");
        lookup(ARCHITECTURES, word).ok_or_else(|| unknown(pointer(), word, "an architecture of seccomp"))?;
    }
    Ok(list)
}

/// The flags for seccomp(2).
pub fn flags(profile: &Profile<'_>, notify: bool) -> Result<u32> {
    let Some(list) = profile.flags.as_deref() else {
        // runc and crun: a profile that does not speak of flags does not ask for the (slow) mitigation either.
        return Ok(FLAG_SPEC_ALLOW | if notify { FLAG_NEW_LISTENER } else { 0 });
    };
    let mut flags = 0;
    for (index, word) in list.iter().enumerate() {
        let pointer = || format!("/linux/seccomp/flags/{index}");
        flags |= lookup(FLAGS, word).ok_or_else(|| unknown(pointer(), word, "a seccomp flag"))?;
    }
    // Init has one thread, so TSYNC changes nothing; with a listener the kernel refuses it (EINVAL).
    // Without a listener it refuses WAIT_KILLABLE_RECV.
    Ok(if notify { (flags & !FLAG_TSYNC) | FLAG_NEW_LISTENER } else { flags & !FLAG_WAIT_KILLABLE_RECV })
}

fn unknown(pointer: String, word: &str, what: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("\"{word}\" is not {what}")).at(pointer)
}

fn invalid(pointer: String, message: String) -> Error {
    Error::new(ErrorKind::ConfigInvalid, message).at(pointer)
}

fn parse_entry<'a>(index: usize, entry: &'a Entry<'a>) -> Result<Parsed<'a>> {
    let here = format!("/linux/seccomp/syscalls/{index}");
    let place = [format!("{here}/action"), format!("{here}/errnoRet")];
    let action = action(&entry.action, entry.errno_ret, place)?;
    let list = entry.args.as_deref().unwrap_or_default();
    let mut conditions = Vec::with_capacity(list.len());
    for (position, argument) in list.iter().enumerate() {
        conditions.push(condition(argument, &format!("{here}/args/{position}"))?);
    }
    Ok(Parsed { index, names: &entry.names, action, alternatives: alternatives(conditions) })
}

fn action(name: &str, errno: Option<u32>, [at_name, at_errno]: [String; 2]) -> Result<u32> {
    let action = lookup(ACTIONS, name).ok_or_else(|| unknown(at_name, name, "a seccomp action"))?;
    let largest = match action {
        ERRNO => LARGEST_ERRNO,
        TRACE => LARGEST_TRACE_MESSAGE,
        _ => return no_errno(action, name, errno, at_errno),
    };
    let data = errno.unwrap_or(EPERM);
    if data > largest {
        return Err(invalid(
            at_errno,
            format!("{data} is above {largest}, the largest that {name} can return"),
        ));
    }
    Ok(action | data)
}

fn no_errno(action: u32, name: &str, errno: Option<u32>, pointer: String) -> Result<u32> {
    match errno {
        None => Ok(action),
        Some(_) => Err(invalid(pointer, format!("{name} returns no error number"))
            .hint("only SCMP_ACT_ERRNO and SCMP_ACT_TRACE take one")),
    }
}

fn condition(argument: &Argument<'_>, here: &str) -> Result<Condition> {
    if argument.index >= ARGUMENT_COUNT {
        let message = format!("argument {} is out of range: a system call has six, 0 to 5", argument.index);
        return Err(invalid(format!("{here}/index"), message));
    }
    let operator = operator(&argument.op)
        .ok_or_else(|| unknown(format!("{here}/op"), &argument.op, "a seccomp comparison"))?;
    let (mask, value) = match operator {
        Operator::MaskedEqual => (argument.value, argument.value_two.unwrap_or(0)),
        _ => (u64::MAX, argument.value),
    };
    Ok(Condition { argument: argument.index, operator, mask, value })
}

fn operator(word: &str) -> Option<Operator> {
    match lookup(OPERATORS, word)? {
        1 => Some(Operator::NotEqual),
        2 => Some(Operator::Less),
        3 => Some(Operator::LessOrEqual),
        4 => Some(Operator::Equal),
        5 => Some(Operator::GreaterOrEqual),
        6 => Some(Operator::Greater),
        7 => Some(Operator::MaskedEqual),
        _ => None,
    }
}

fn alternatives(mut conditions: Vec<Condition>) -> Vec<Vec<Condition>> {
    let repeated = conditions
        .iter()
        .enumerate()
        .any(|(at, one)| conditions[..at].iter().any(|other| other.argument == one.argument));
    if repeated {
        return conditions.into_iter().map(|condition| [condition].into()).collect();
    }
    conditions.sort_by_key(|condition| condition.argument);
    [conditions].into()
}
