// SPDX-License-Identifier: Apache-2.0
//! The content of a file brought into another inside the kernel.

use crate::fd::BorrowedFd;
use crate::raw::retry;
use crate::{Result, nr, sc};

/// Makes `to` share all blocks of `from` (ioctl_ficlone(2)); an error where the file system cannot.
pub fn share(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    const FICLONE: u32 = 0x4004_9409;
    // SAFETY: the argument is a descriptor, no pointer.
    unsafe { sc!(nr::IOCTL, to.raw(), FICLONE, from.raw()) }.map(drop)
}

/// Copies up to `length` bytes from the position of the one file to that of the other (copy_file_range(2)); 0 at the
/// end of `from`.
pub fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>, length: usize) -> Result<usize> {
    // SAFETY: the offsets are null.
    retry(|| unsafe { sc!(nr::COPY_FILE_RANGE, from.raw(), 0, to.raw(), 0, length, 0) })
}

/// Moves the position to `offset`, counted from the start.
pub fn seek(fd: BorrowedFd<'_>, offset: u64) -> Result<()> {
    const SEEK_SET: i32 = 0;
    // SAFETY: no pointers.
    unsafe { sc!(nr::LSEEK, fd.raw(), offset, SEEK_SET) }.map(drop)
}
