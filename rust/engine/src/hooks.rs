// SPDX-License-Identifier: Apache-2.0
//! Hooks in the runtime's namespaces: the state on stdin, a time-out, and what a failed one said.

use crate::cgroup::file;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Handed, Plan};
use crate::spec::Hook;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use estiba_sys::clone::{Launched, Program, spawn};
use estiba_sys::fd::{self, OwnedFd};
use estiba_sys::process::{self, Strings};
use estiba_sys::{Errno, fs, memory, signal};

/// Runs hooks in order; the first that fails ends it.
pub fn run_all(pointer: &'static str, hooks: &[Hook<'_>], state: &str) -> Result<()> {
    for (index, hook) in hooks.iter().enumerate() {
        run(hook, state).map_err(|error| error.at(format!("{pointer}/{index}")))?;
    }
    Ok(())
}

fn run(hook: &Hook<'_>, state: &str) -> Result<()> {
    let failed = |errno| Error::refused(format!("run the hook {:?}", &*hook.path), errno);
    let stdin = memory::memfd(c"estiba-state", false).map_err(failed)?;
    fd::write_all(stdin.borrow(), state.as_bytes()).map_err(failed)?;
    let stdin = reopened(&stdin).map_err(failed)?;
    let said = memory::memfd(c"estiba-hook", false).map_err(failed)?;
    let path = CString::new(&*hook.path).map_err(|_| failed(Errno::EINVAL))?;
    let argv: Vec<&str> =
        if hook.args.is_empty() { vec![&*hook.path] } else { hook.args.iter().map(|text| &**text).collect() };
    let argv = strings(&argv).map_err(failed)?;
    let env = strings(&hook.env.iter().map(|text| &**text).collect::<Vec<_>>()).map_err(failed)?;
    let (argv, env) = (Strings::new(&argv).ok_or(Errno::EINVAL), Strings::new(&env).ok_or(Errno::EINVAL));
    let (argv, env) = (argv.map_err(failed)?, env.map_err(failed)?);
    let mut scratch = vec![0; (argv.iter().count() + env.iter().count() + 4) * size_of::<usize>()];
    let child = spawn(Program {
        path: &path,
        argv,
        env,
        stdio: [Some(stdin.raw()), None, Some(said.raw())],
        scratch: &mut scratch,
    })
    .map_err(failed)?;
    match wait(&child, hook.timeout).map_err(failed)? {
        Some(0) => Ok(()),
        ended => Err(describe(hook, ended, &said)),
    }
}

/// Read from the start, by a description of its own.
fn reopened(memfd: &OwnedFd) -> core::result::Result<OwnedFd, Errno> {
    let path = CString::new(format!("/proc/self/fd/{}", memfd.raw())).map_err(|_| Errno::EINVAL)?;
    fs::open(fd::CWD, &path, fs::O_RDONLY, 0)
}

fn strings(list: &[&str]) -> core::result::Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    for item in list {
        let item = CString::new(*item).map_err(|_| Errno::EINVAL)?;
        bytes.extend_from_slice(item.as_bytes_with_nul());
    }
    Ok(bytes)
}

/// The exit code; None: it ran out of time and was killed.
fn wait(child: &Launched, seconds: Option<u32>) -> core::result::Result<Option<i32>, Errno> {
    const SIGKILL: i32 = 9;
    let milliseconds =
        seconds.map_or(-1, |seconds| i32::try_from(seconds).unwrap_or(i32::MAX).saturating_mul(1000));
    let mut set = [fd::PollFd { fd: child.pidfd.raw(), events: fd::POLLIN, revents: 0 }];
    let ready = loop {
        match fd::poll(&mut set, milliseconds) {
            Err(Errno::EINTR) => {}
            ready => break ready?,
        }
    };
    if ready == 0 {
        let _ = signal::send(child.pidfd.borrow(), SIGKILL);
        process::reap(child.pidfd.borrow())?;
        return Ok(None);
    }
    process::reap(child.pidfd.borrow()).map(|ended| Some(ended.shell_code()))
}

fn describe(hook: &Hook<'_>, ended: Option<i32>, said: &OwnedFd) -> Error {
    let what = match ended {
        None => format!("ran into its time-out of {} s and was killed", hook.timeout.unwrap_or(0)),
        Some(code) if code > 128 => format!("was ended by signal {}", code - 128),
        Some(code) => format!("failed with exit code {code}"),
    };
    let mut message = format!("the hook {:?} {what}", &*hook.path);
    let last = last_line(said);
    if !last.is_empty() {
        message.push_str(&format!(", saying {last:?}"));
    }
    Error::new(ErrorKind::HookFailed, message)
}

/// The last line that the hook wrote to stderr.
fn last_line(said: &OwnedFd) -> String {
    const LONGEST: usize = 500;
    let text = reopened(said).and_then(|file| file::read_open(file.borrow())).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(LONGEST).collect::<String>().trim().to_string()
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
