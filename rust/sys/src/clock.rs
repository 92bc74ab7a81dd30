// SPDX-License-Identifier: Apache-2.0
//! The clocks: one for deadlines, one for traces.

use crate::{nr, sc};

/// Milliseconds since some point in the past, never set back (CLOCK_MONOTONIC).
pub fn monotonic_milliseconds() -> u64 {
    const CLOCK_MONOTONIC: i32 = 1;
    let mut now = [0u64; 2];
    // SAFETY: `now` has the size of struct timespec.
    let _ = unsafe { sc!(nr::CLOCK_GETTIME, CLOCK_MONOTONIC, now.as_mut_ptr()) };
    now[0] * 1000 + now[1] / 1_000_000
}

/// Nanoseconds since 1970 (CLOCK_REALTIME): the same inside a time namespace, where monotonic clocks have an offset
/// (time_namespaces(7)).
pub fn wall_nanoseconds() -> u64 {
    let (seconds, nanoseconds) = crate::process::wall_clock();
    seconds * 1_000_000_000 + u64::from(nanoseconds)
}
