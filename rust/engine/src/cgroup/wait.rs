// SPDX-License-Identifier: Apache-2.0
//! Waiting for a cgroup to change: by pidfds of its processes and by v2's events file, never by spinning.

use crate::cgroup::file;
use crate::cgroup::tree;
use crate::deadline::Deadline;
use estiba_sys::fd::{BorrowedFd, POLLIN, POLLPRI, PollFd, poll};
use estiba_sys::process::pidfd_open;
use estiba_sys::{Errno, Result, fs};

/// Waits for events, `milliseconds` at most and not beyond the deadline. A signal ends it early.
pub fn poll_for(set: &mut [PollFd], milliseconds: i32, deadline: &Deadline) -> Result<()> {
    match poll(set, milliseconds.min(deadline.left())) {
        Ok(_) | Err(Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// Waits until one of `lines` stands in cgroup.events (v2); false when the time is over.
pub fn until_event(folder: BorrowedFd<'_>, lines: &[&str], deadline: &Deadline) -> Result<bool> {
    let events = match file::open(folder, "cgroup.events", fs::O_RDONLY) {
        // Removed meanwhile: nobody is in it and nothing of it moves.
        Err(Errno::ENOENT | Errno::ENODEV) => return Ok(true),
        events => events?,
    };
    loop {
        // From the start on each turn: reading is what arms the next notification (kernfs).
        let text = match file::read_from_start(events.borrow()) {
            Err(Errno::ENODEV) => return Ok(true),
            text => text?,
        };
        if text.lines().any(|line| lines.contains(&line)) {
            return Ok(true);
        }
        if deadline.left() == 0 {
            return Ok(false);
        }
        poll_for(&mut [PollFd { fd: events.raw(), events: POLLPRI, revents: 0 }], i32::MAX, deadline)?;
    }
}

/// Waits until no process is in the cgroup or below it; false when the time is over. Pidfds first: cgroup.events tells
/// its news every 10 ms only (CGROUP_FILE_NOTIFY_MIN_INTV).
pub fn until_empty(folder: BorrowedFd<'_>, is_v2: bool, deadline: &Deadline) -> Result<bool> {
    let mut has_waited = false;
    loop {
        let first = tree::pids(folder)?.into_iter().find_map(|pid| pidfd_open(pid).ok());
        let Some(first) = first else { break };
        if deadline.left() == 0 {
            return Ok(false);
        }
        poll_for(&mut [PollFd { fd: first.raw(), events: POLLIN, revents: 0 }], i32::MAX, deadline)?;
        has_waited = true;
    }
    if has_waited {
        return Ok(true);
    }
    if is_v2 && !until_event(folder, &["populated 0"], deadline)? {
        return Ok(false);
    }
    pause(deadline)
}

/// A millisecond for the kernel to finish what it has begun.
pub fn pause(deadline: &Deadline) -> Result<bool> {
    poll_for(&mut [], 1, deadline)?;
    Ok(deadline.left() > 0)
}
