// SPDX-License-Identifier: Apache-2.0
//! What /proc says of a process.

use crate::cgroup::file;
use crate::deadline::{Deadline, poll_until};
use crate::error::{Error, Result};
use alloc::format;
use estiba_sys::fd::{CWD, PollFd};
use estiba_sys::raw::retry;
use estiba_sys::{Errno, OwnedFd, fd, fs, process};

/// The fields of /proc/PID/stat that estiba needs (proc_pid_stat(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// It runs no more code of its own, and has not ended yet.
    pub is_exiting: bool,
    pub start_time: u64,
}

/// None: there is no such process.
pub fn stat(pid: i32) -> Result<Option<Stat>> {
    match file::read_once(CWD, &format!("/proc/{pid}/stat")) {
        Ok(text) => Ok(parse(&text)),
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        Err(errno) => Err(Error::refused(format!("read \"/proc/{pid}/stat\""), errno)),
    }
}

/// The program's name stands in brackets and may hold anything, so fields are counted from the last bracket.
fn parse(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    const PF_EXITING: u32 = 0x4; // linux/sched.h
    let flags: u32 = fields.nth(6)?.parse().ok()?;
    let start_time = fields.nth(12)?.parse().ok()?;
    Some(Stat { is_exiting: flags & PF_EXITING != 0, start_time })
}

/// The signals that it ignores, bit n-1 for signal n: all 64, where /proc/PID/stat ends at 31. None: there is no such
/// process.
pub fn ignored_signals(pid: i32) -> Result<Option<u64>> {
    let path = format!("/proc/{pid}/status");
    let text = match file::read_once(CWD, &path) {
        // Far in front, but for a caller with hundreds of groups.
        Ok(text) if !text.contains("\nSigIgn:") => file::read_path(&path),
        text => text,
    };
    match text {
        Ok(text) => Ok(parse_ignored(&text)),
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        Err(errno) => Err(Error::refused(format!("read {path:?}"), errno)),
    }
}

fn parse_ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// The number of a process in its own pid namespace, which hooks inside know it by (runtime.md "State"): the last of
/// NSpid in /proc/PID/status (proc_pid_status(5)).
pub fn pid_inside(pid: i32) -> Result<i32> {
    let path = format!("/proc/{pid}/status");
    let text = file::read_path(&path).map_err(|errno| Error::refused(format!("read {path:?}"), errno))?;
    let line = text.lines().find_map(|line| line.strip_prefix("NSpid:"));
    Ok(line.and_then(|numbers| numbers.split_ascii_whitespace().last()?.parse().ok()).unwrap_or(pid))
}

/// A pidfd of exactly the process that a record names; None if it has ended, even if its number lives again.
pub fn pidfd_of(pid: i32, start_time: u64, inode: Option<u64>) -> Result<Option<OwnedFd>> {
    let pidfd = match process::pidfd_open(pid) {
        Ok(pidfd) => pidfd,
        Err(Errno::ESRCH) => return Ok(None),
        Err(errno) => return Err(Error::refused(format!("open process {pid}"), errno)),
    };
    // Asked of the open descriptor, or after it is open: from here on the number cannot change its bearer unnoticed.
    let is_it = match inode {
        Some(_) => inode_of(&pidfd) == inode,
        None => stat(pid)?.is_some_and(|stat| stat.start_time == start_time),
    };
    Ok(if is_it && !has_ended(&pidfd)? { Some(pidfd) } else { None })
}

/// The inode of a pidfd, where each process has one of its own (pidfs, Linux 6.9).
pub fn pidfd_inode(pidfd: &OwnedFd) -> Option<u64> {
    let is_own = fs::filesystem_type(pidfd.borrow()) == Ok(fs::PID_FS_MAGIC);
    is_own.then(|| inode_of(pidfd)).flatten()
}

fn inode_of(pidfd: &OwnedFd) -> Option<u64> {
    fs::status(pidfd.borrow()).ok().map(|status| status.inode)
}

/// Whether a process has ended: its pidfd can be read once the last thread has, reaped or not (pidfd_open(2)).
fn has_ended(pidfd: &OwnedFd) -> Result<bool> {
    retry(|| fd::poll(&mut [readable(pidfd)], 0)).map(|ready| ready > 0).map_err(not_awaited)
}

/// Waits so many milliseconds for that.
pub fn ends_within(pidfd: &OwnedFd, milliseconds: u64) -> Result<bool> {
    poll_until(&mut [readable(pidfd)], Some(&Deadline::after(milliseconds))).map_err(not_awaited)
}

fn readable(pidfd: &OwnedFd) -> PollFd {
    PollFd { fd: pidfd.raw(), events: fd::POLLIN, revents: 0 }
}

fn not_awaited(errno: Errno) -> Error {
    Error::refused("wait for init's end", errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_moves_no_field() {
        let text = "7 (a) b) S 1 7 7 0 -1 4194564 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
        assert_eq!(parse(text), Some(Stat { is_exiting: true, start_time: 4242 }));
    }

    #[test]
    fn ignored_signals_are_a_mask_of_64_bits() {
        let text = "Name:\tSigIgn:\nSigBlk:\t0000000000000000\nSigIgn:\t8000000000001001\nSigCgt:\t0000000000000000\n";
        assert_eq!(parse_ignored(text), Some(1 << 63 | 1 << 12 | 1));
    }
}
