// SPDX-License-Identifier: Apache-2.0
//! The clock for deadlines.

use crate::{nr, sc};

/// Milliseconds since some point in the past, never set back (CLOCK_MONOTONIC).
pub fn monotonic_milliseconds() -> u64 {
    const CLOCK_MONOTONIC: i32 = 1;
    let mut now = [0u64; 2];
    // SAFETY: `now` has the size of struct timespec.
    let _ = unsafe { sc!(nr::CLOCK_GETTIME, CLOCK_MONOTONIC, now.as_mut_ptr()) };
    now[0] * 1000 + now[1] / 1_000_000
}
