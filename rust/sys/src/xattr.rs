// SPDX-License-Identifier: Apache-2.0
//! Extended attributes of open files (xattr(7)).

use crate::fd::BorrowedFd;
use crate::{Errno, Result, nr, sc};
use core::ffi::CStr;

/// The longest list of names that the kernel gives, and the longest value (linux/limits.h).
pub const LIST_MAX: usize = 65536;
pub const VALUE_MAX: usize = 65536;
/// The longest name, without the NUL.
pub const NAME_MAX: usize = 255;

pub fn set(file: BorrowedFd<'_>, name: &CStr, value: &[u8]) -> Result<()> {
    // SAFETY: `name` is a C string, `value` is readable for its length.
    unsafe { sc!(nr::FSETXATTR, file.raw(), name.as_ptr(), value.as_ptr(), value.len(), 0) }.map(drop)
}

/// Reads a value; returns the part of `buffer` that was filled. ENODATA: there is none of this name.
pub fn get<'a>(file: BorrowedFd<'_>, name: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    let (pointer, length) = (buffer.as_mut_ptr(), buffer.len());
    // SAFETY: `name` is a C string, `buffer` is writable for its length.
    let n = unsafe { sc!(nr::FGETXATTR, file.raw(), name.as_ptr(), pointer, length) }?;
    buffer.get(..n).ok_or(Errno::EIO)
}

/// Reads the names, each with a NUL behind it; returns the part of `buffer` that was filled.
pub fn list<'a>(file: BorrowedFd<'_>, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    // SAFETY: `buffer` is writable for its length.
    let n = unsafe { sc!(nr::FLISTXATTR, file.raw(), buffer.as_mut_ptr(), buffer.len()) }?;
    buffer.get(..n).ok_or(Errno::EIO)
}

pub fn remove(file: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    // SAFETY: `name` is a C string.
    unsafe { sc!(nr::FREMOVEXATTR, file.raw(), name.as_ptr()) }.map(drop)
}
