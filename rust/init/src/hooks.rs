// SPDX-License-Identifier: Apache-2.0
//! Hooks that run inside: the program, its state on stdin, a time-out, its end.

use crate::plan::Detail;
use crate::run::{Failure, Outcome};
use core::ffi::CStr;
use estiba_sys::clone::{Launched, Program, spawn};
use estiba_sys::fd::{self, BorrowedFd, POLLIN, PollFd};
use estiba_sys::process::{Strings, reap};
use estiba_sys::{Errno, signal};

/// `state` is shared by all hooks, and read by each from its start. What a hook prints goes where the container prints.
pub fn run(
    path: &CStr,
    argv: Strings<'_>,
    env: Strings<'_>,
    seconds: u32,
    state: i32,
    scratch: &mut [u8],
) -> Outcome {
    fd::rewind(BorrowedFd::numbered(state))?;
    let hook = spawn(Program { path, argv, env, stdio: [Some(state), None, None], scratch })?;
    if !wait(&hook, seconds)? {
        kill(&hook)?;
        return Err(Failure::new(Detail::HookTimedOut, as_errno(seconds)));
    }
    match reap(hook.pidfd.borrow())?.shell_code() {
        0 => Ok(()),
        code => Err(Failure::new(Detail::HookFailed, as_errno(code.unsigned_abs()))),
    }
}

/// Whether it ended in time; 0 seconds are no limit.
fn wait(hook: &Launched, seconds: u32) -> Result<bool, Errno> {
    let milliseconds = match i32::try_from(seconds) {
        Ok(0) => -1,
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => i32::MAX,
    };
    let mut set = [PollFd { fd: hook.pidfd.raw(), events: POLLIN, revents: 0 }];
    fd::poll(&mut set, milliseconds).map(|ready| ready > 0)
}

fn kill(hook: &Launched) -> Result<(), Errno> {
    const SIGKILL: i32 = 9;
    signal::send(hook.pidfd.borrow(), SIGKILL)?;
    reap(hook.pidfd.borrow()).map(drop)
}

/// A report has one number: the exit code, or the seconds.
fn as_errno(number: u32) -> Errno {
    Errno(u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use estiba_sys::memory;
    use std::vec::Vec;

    /// Runs a shell script as a hook.
    fn hook(script: &str, seconds: u32, state: &str) -> Outcome {
        let file = memory::sealed(c"state", state.as_bytes(), false).unwrap();
        let argv: Vec<u8> = ["sh\0-c\0", script, "\0"].concat().into_bytes();
        let (argv, env) = (Strings::new(&argv).unwrap(), Strings::new(b"A=b\0").unwrap());
        run(c"/bin/sh", argv, env, seconds, file.raw(), &mut [0; 256])
    }

    #[test]
    fn a_hook_reads_the_state_from_its_start_and_has_its_own_environment_alone() {
        let script = "read state && test \"$state\" = '{\"id\":1}' && test \"$A\" = b && test -z \"$HOME\"";
        hook(script, 0, "{\"id\":1}\n").unwrap();
    }

    #[test]
    fn a_hook_inherits_no_descriptor_beyond_the_first_three() {
        let open = fd::duplicate_from(BorrowedFd::numbered(2), 9).unwrap();
        hook(&std::format!("! test -e /proc/self/fd/{}", open.raw()), 0, "").unwrap();
        fd::set_close_on_exec(open.borrow(), false).unwrap();
        hook(&std::format!("! test -e /proc/self/fd/{}", open.raw()), 0, "").unwrap();
    }

    #[test]
    fn the_exit_code_of_a_failed_hook_is_reported() {
        let failure = hook("exit 3", 5, "").unwrap_err();
        assert_eq!((failure.detail, failure.errno), (Detail::HookFailed, Errno(3)));
    }

    #[test]
    fn a_hook_that_takes_too_long_is_killed() {
        let failure = hook("while :; do :; done", 1, "").unwrap_err();
        assert_eq!((failure.detail, failure.errno), (Detail::HookTimedOut, Errno(1)));
    }

    #[test]
    fn a_hook_that_cannot_be_executed_fails_with_the_reason() {
        let (argv, env) = (Strings::new(b"x\0").unwrap(), Strings::new(b"").unwrap());
        let file = memory::sealed(c"state", b"", false).unwrap();
        let failure = run(c"/nowhere/hook", argv, env, 0, file.raw(), &mut [0; 64]).unwrap_err();
        assert_eq!((failure.detail, failure.errno), (Detail::None, Errno::ENOENT));
    }
}
