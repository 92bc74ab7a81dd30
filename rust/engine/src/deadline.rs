// SPDX-License-Identifier: Apache-2.0
//! A point in time up to which something is waited for, however many signals interrupt the wait.

use estiba_sys::clock::monotonic_milliseconds;
use estiba_sys::fd::{PollFd, poll};
use estiba_sys::{Errno, Result};

/// In milliseconds of the monotonic clock.
#[derive(Debug)]
pub struct Deadline(u64);

impl Deadline {
    pub fn after(milliseconds: u64) -> Deadline {
        Deadline(monotonic_milliseconds() + milliseconds)
    }

    pub fn left(&self) -> i32 {
        i32::try_from(self.0.saturating_sub(monotonic_milliseconds())).unwrap_or(i32::MAX)
    }
}

/// Waits for an event; without a deadline for ever. False: the time is over.
pub fn poll_until(set: &mut [PollFd], deadline: Option<&Deadline>) -> Result<bool> {
    loop {
        match poll(set, deadline.map_or(-1, Deadline::left)) {
            Err(Errno::EINTR) => {}
            // A time that one poll cannot hold is waited for in parts.
            Ok(0) if deadline.is_some_and(|deadline| deadline.left() > 0) => {}
            polled => return polled.map(|ready| ready > 0),
        }
    }
}
