// SPDX-License-Identifier: Apache-2.0
//! Hooks that run inside: the program, its state on stdin, a time-out, its end.

use crate::run::{Failure, Outcome};
use core::ffi::CStr;
use estiba_sys::Errno;
use estiba_sys::process::Strings;

pub fn run(
    _path: &CStr,
    _argv: Strings<'_>,
    _env: Strings<'_>,
    _seconds: u32,
    _state: i32,
    _scratch: &mut [u8],
) -> Outcome {
    Err(Failure::from(Errno::ENOSYS))
}
