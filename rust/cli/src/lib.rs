// SPDX-License-Identifier: Apache-2.0
//! The command: argv to a verb of the engine, its outcome to an exit code. What needs judgement is Python's.
//!
//!     argv ──► arguments ──► a native verb, and the engine is sure ──► exit code
//!                  └────────► any other verb, or the engine asks ────► python -m estiba, same argv, nothing done yet
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod arguments;
mod caller;
mod exec;
mod files;
mod log;
mod pidfd_socket;
mod python;
mod report;
mod settings;
mod verbs;

use alloc::format;
use alloc::string::String;
use arguments::Parsed;
use caller::Caller;
use core::ffi::CStr;
use estiba_engine::error::one_line;
use estiba_engine::generated::version;
use estiba_sys::signal;
use report::{Failure, Report};

const SIGCHLD: u32 = 17;

/// What a verb comes to when nothing failed.
enum Outcome {
    Done(i32),
    /// Nothing was done yet, and Python must judge; says why.
    Ask(String),
}

type Result = core::result::Result<Outcome, Failure>;

/// Does what argv says and returns the exit code.
#[must_use]
pub fn main(arguments: &[&CStr], environment: &[&CStr]) -> i32 {
    files::fill_standard_descriptors();
    // A caller that ignores SIGCHLD would have our children reaped before we learn how they ended (wait(2)).
    signal::reset(1 << (SIGCHLD - 1));
    let caller = Caller { arguments, environment };
    let words = match caller.words() {
        Ok(words) => words,
        Err(failure) => return Report::default().fail(&failure, 1),
    };
    let parsed = match arguments::parse(&words) {
        Ok(parsed) => parsed,
        Err(refusal) => {
            let message = one_line(&refusal.message).into_owned();
            let failure = Failure { message, hint: Some(refusal.hint) };
            return Report::of(&refusal.globals).fail(&failure, i32::from(refusal.exit));
        }
    };
    dispatch(&caller, &parsed)
}

fn dispatch(caller: &Caller<'_>, parsed: &Parsed<'_>) -> i32 {
    let failure_exit = parsed.verb.map_or(1, |verb| i32::from(verb.failure_exit));
    let outcome = match parsed.verb {
        _ if parsed.globals.flag("version") => report::print(version::TEXT),
        Some(verb) if verb.is_native && !parsed.options.flag("help") => verbs::run(verb.name, caller, parsed),
        Some(verb) => Ok(Outcome::Ask(format!("`estiba {}` runs in Python, and there is none", verb.name))),
        None => Ok(Outcome::Ask(String::from("the help is written in Python, and there is none"))),
    };
    let failure = match outcome {
        Ok(Outcome::Done(code)) => return code,
        Ok(Outcome::Ask(reason)) => python::hand_over(caller, reason),
        Err(failure) => failure,
    };
    Report::of(&parsed.globals).fail(&failure, failure_exit)
}
