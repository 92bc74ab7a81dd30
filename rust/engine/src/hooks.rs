// SPDX-License-Identifier: Apache-2.0
//! Hooks in the runtime's namespaces: the state on stdin, a time-out, and what a failed one said.

use crate::cgroup::file;
use crate::error::{Error, ErrorKind, Facts, Result};
use crate::plan::{Handed, Plan};
use crate::program::{self, Asked, Ended};
use crate::spec::Hook;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fd::{self, CWD, OwnedFd};
use estiba_sys::{Errno, fs, memory};

/// Runs hooks in order; the first that fails ends it.
pub fn run_all(pointer: &'static str, hooks: &[Hook<'_>], state: &str) -> Result<()> {
    for (index, hook) in hooks.iter().enumerate() {
        run(hook, state).map_err(|error| error.at(format!("{pointer}/{index}")))?;
    }
    Ok(())
}

/// Runs all hooks in order, whatever becomes of them; returns the failures.
pub fn run_each(pointer: &'static str, hooks: &[Hook<'_>], state: &str) -> Vec<Error> {
    let failed = |(index, hook)| run(hook, state).err().map(|error| error.at(format!("{pointer}/{index}")));
    hooks.iter().enumerate().filter_map(failed).collect()
}

fn run(hook: &Hook<'_>, state: &str) -> Result<()> {
    let failed = |errno| {
        let error = Error::refused(format!("run the hook {:?}", &*hook.path), errno);
        let is_there = || file::c_path(&hook.path).is_ok_and(|path| fs::check_access(CWD, &path, 0).is_ok());
        if errno == Errno::ENOENT && is_there() {
            error.hint("the file is there: it is its interpreter or loader that is absent")
        } else {
            error
        }
    };
    let stdin = memory::memfd(c"estiba-state", false).map_err(failed)?;
    fd::write_all(stdin.borrow(), state.as_bytes()).map_err(failed)?;
    fd::rewind(stdin.borrow()).map_err(failed)?;
    let argv = hook.argv();
    let ended = program::run(&Asked {
        path: &hook.path,
        argv: &argv,
        env: &hook.env.iter().map(|text| &**text).collect::<Vec<_>>(),
        stdin: Some(&stdin),
        seconds: hook.timeout,
    })
    .map_err(failed)?;
    if ended.code == Some(0) { Ok(()) } else { Err(failed_with(hook, &argv, &ended)) }
}

fn failed_with(hook: &Hook<'_>, argv: &[&str], ended: &Ended) -> Error {
    let after = ended.milliseconds;
    let mut error = failure(&named(&hook.path, argv), ended.code, hook.timeout.unwrap_or(0));
    if ended.code.is_some() {
        error.message.push_str(&format!(" after {after} ms"));
    }
    if !ended.said.is_empty() {
        error.message.push_str(&format!(", saying {:?}", ended.said));
    }
    let argv = argv.iter().map(ToString::to_string).collect();
    error.with(Facts::Hook { argv, exit_status: ended.code, milliseconds: Some(after) })
}

/// How a hook ended: `code` as a shell tells it, None if it ran out of its `seconds`.
pub fn failure(what: &str, code: Option<i32>, seconds: u32) -> Error {
    let message = match code {
        None => format!("{what} ran into its time-out of {seconds} s and was killed"),
        Some(code) if code > 128 => format!("{what} was ended by signal {}", code - 128),
        Some(code) => format!("{what} failed with exit code {code}"),
    };
    Error::new(ErrorKind::HookFailed, message)
}

/// The program, and what it was called with: `the hook "/bin/sh" ["sh", "-c", "exit 3"]`.
pub fn named(path: &str, argv: &[&str]) -> String {
    const LONGEST: usize = 200;
    if argv == [path] {
        return format!("the hook {path:?}");
    }
    let mut words = format!("{argv:?}");
    if let Some((cut, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(cut);
        words.push_str("...");
    }
    format!("the hook {path:?} {words}")
}

/// The memfd in which init's own hooks find the state; it is filled once the pid is known.
pub fn state_for_init(plan: &Plan) -> Result<Option<OwnedFd>> {
    if !plan.handed.contains(&Handed::State) {
        return Ok(None);
    }
    memory::memfd(c"estiba-state", false)
        .map(Some)
        .map_err(|errno| Error::refused("make the state's memfd", errno))
}

pub fn duplicate(fd: &OwnedFd) -> Result<OwnedFd> {
    fd::duplicate_from(fd.borrow(), 3).map_err(|errno| Error::refused("duplicate a descriptor", errno))
}

/// Written before the commit, and sealed: no hook can change what the next one reads.
pub fn fill_state(memfd: &OwnedFd, state: &str) -> Result<()> {
    fd::write_all(memfd.borrow(), state.as_bytes())
        .and_then(|()| memory::seal(memfd.borrow()))
        .map_err(|errno| Error::refused("write the state for the hooks inside", errno))
}
