// SPDX-License-Identifier: Apache-2.0
//! A point in time up to which something is waited for.

use estiba_sys::clock::monotonic_milliseconds;

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
