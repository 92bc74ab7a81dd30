// SPDX-License-Identifier: Apache-2.0
//! An ordinary program beside the container (a hook, a helper), run to its end: what it exits with, its last words.

use crate::cgroup::file;
use crate::deadline::{Deadline, poll_until};
use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use estiba_sys::clock::monotonic_milliseconds;
use estiba_sys::clone::{Launched, Program, spawn};
use estiba_sys::fd::{self, OwnedFd};
use estiba_sys::process::{self, Strings};
use estiba_sys::{Errno, Result, memory, signal};

pub struct Asked<'a> {
    pub path: &'a str,
    pub argv: &'a [&'a str],
    pub env: &'a [&'a str],
    /// The caller's own, if none is given.
    pub stdin: Option<&'a OwnedFd>,
    pub seconds: Option<u32>,
}

pub struct Ended {
    /// As a shell tells it; None: it ran out of time and was killed.
    pub code: Option<i32>,
    /// The last line that it wrote to stderr.
    pub said: String,
    pub milliseconds: u64,
}

/// An error is one of starting it: how it fared is in `Ended`.
pub fn run(asked: &Asked<'_>) -> Result<Ended> {
    let said = memory::memfd(c"estiba-said", false)?;
    let path = file::c_path(asked.path)?;
    let (argv, env) = (strings(asked.argv)?, strings(asked.env)?);
    let argv = Strings::new(&argv).ok_or(Errno::EINVAL)?;
    let env = Strings::new(&env).ok_or(Errno::EINVAL)?;
    let mut scratch = vec![0; (argv.iter().count() + env.iter().count() + 4) * size_of::<usize>()];
    let stdio = [asked.stdin.map(OwnedFd::raw), None, Some(said.raw())];
    let begun = monotonic_milliseconds();
    let child = spawn(Program { path: &path, argv, env, stdio, scratch: &mut scratch })?;
    let deadline = asked.seconds.map(|seconds| Deadline::after(u64::from(seconds) * 1000));
    let code = wait(&child, deadline.as_ref())?;
    let milliseconds = monotonic_milliseconds() - begun;
    Ok(Ended { code, said: if code == Some(0) { String::new() } else { last_line(&said) }, milliseconds })
}

fn strings(list: &[&str]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for item in list {
        let item = CString::new(*item).map_err(|_| Errno::EINVAL)?;
        bytes.extend_from_slice(item.as_bytes_with_nul());
    }
    Ok(bytes)
}

fn wait(child: &Launched, deadline: Option<&Deadline>) -> Result<Option<i32>> {
    const SIGKILL: i32 = 9;
    let mut set = [fd::PollFd { fd: child.pidfd.raw(), events: fd::POLLIN, revents: 0 }];
    if !poll_until(&mut set, deadline)? {
        let _ = signal::send(child.pidfd.borrow(), SIGKILL);
        process::reap(child.pidfd.borrow())?;
        return Ok(None);
    }
    process::reap(child.pidfd.borrow()).map(|ended| Some(ended.shell_code()))
}

fn last_line(said: &OwnedFd) -> String {
    const LONGEST: usize = 500;
    let text = file::read_from_start(said.borrow()).unwrap_or_default();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    line.chars().take(LONGEST).collect::<String>().trim().to_string()
}
