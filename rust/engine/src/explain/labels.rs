// SPDX-License-Identifier: Apache-2.0
//! Why a label of a security module was not taken.

use super::quoted;
use crate::error::{Error, ErrorKind};
use alloc::format;
use alloc::string::String;
use core::ffi::CStr;
use estiba_sys::Errno;

/// What the kernel says with `errno` to a label that was written to /proc/self/`attribute`.
pub fn refused(attribute: &CStr, label: &[u8], errno: Errno) -> Error {
    let label = String::from_utf8_lossy(label);
    match label.strip_prefix("exec ") {
        // apparmor(7): a change to a profile that is not there is ENOENT.
        Some(profile) if errno == Errno::ENOENT => {
            let message = format!("the AppArmor profile {profile:?} is not loaded (ENOENT)");
            let error = Error::new(ErrorKind::HostUnsupported, message);
            Error { errno: Some(errno), ..error }
                .hint("load it with apparmor_parser, or leave the profile out")
        }
        _ => Error::refused(format!("set the label {label:?} by {:?}", quoted(attribute)), errno)
            .hint("is this security module active on the host?"),
    }
}
