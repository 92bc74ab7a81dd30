// SPDX-License-Identifier: Apache-2.0
//! Hooks in the runtime's namespaces: the state on stdin, a time-out, and what a failed one said.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Handed, Plan};
use crate::program::{self, Asked, Ended};
use crate::spec::Hook;
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::fd::{self, OwnedFd};
use estiba_sys::{fs, memory};

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
    let failed = |errno| Error::refused(format!("run the hook {:?}", &*hook.path), errno);
    let stdin = memory::memfd(c"estiba-state", false).map_err(failed)?;
    fd::write_all(stdin.borrow(), state.as_bytes()).map_err(failed)?;
    fs::rewind(stdin.borrow()).map_err(failed)?;
    let path = core::slice::from_ref(&hook.path);
    let argv = if hook.args.is_empty() { path } else { &hook.args };
    let ended = program::run(&Asked {
        path: &hook.path,
        argv: &argv.iter().map(|text| &**text).collect::<Vec<_>>(),
        env: &hook.env.iter().map(|text| &**text).collect::<Vec<_>>(),
        stdin: Some(&stdin),
        seconds: hook.timeout,
    })
    .map_err(failed)?;
    if ended.code == Some(0) { Ok(()) } else { Err(describe(hook, &ended)) }
}

fn describe(hook: &Hook<'_>, ended: &Ended) -> Error {
    let what = match ended.code {
        None => format!("ran into its time-out of {} s and was killed", hook.timeout.unwrap_or(0)),
        Some(code) if code > 128 => format!("was ended by signal {}", code - 128),
        Some(code) => format!("failed with exit code {code}"),
    };
    let mut message = format!("the hook {:?} {what}", &*hook.path);
    if !ended.said.is_empty() {
        message.push_str(&format!(", saying {:?}", ended.said));
    }
    Error::new(ErrorKind::HookFailed, message)
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
