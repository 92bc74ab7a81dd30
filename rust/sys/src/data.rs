// SPDX-License-Identifier: Apache-2.0
//! What files hold: writing at a position, holes, bringing it to the disk.

use crate::fd::BorrowedFd;
use crate::raw::retry;
use crate::{Errno, Result, nr, sc};

pub fn write_at(fd: BorrowedFd<'_>, bytes: &[u8], position: u64) -> Result<usize> {
    // SAFETY: `bytes` is readable for its length.
    retry(|| unsafe { sc!(nr::PWRITE64, fd.raw(), bytes.as_ptr(), bytes.len(), position) })
}

/// Writes all of `bytes` at `position`.
pub fn write_all_at(fd: BorrowedFd<'_>, mut bytes: &[u8], mut position: u64) -> Result<()> {
    while !bytes.is_empty() {
        let n = write_at(fd, bytes, position)?;
        if n == 0 {
            return Err(Errno::EIO);
        }
        bytes = bytes.get(n..).ok_or(Errno::EIO)?;
        position += n as u64;
    }
    Ok(())
}

/// The next position from `from` on that holds data (SEEK_DATA); ENXIO: a hole up to the end.
pub fn next_data(fd: BorrowedFd<'_>, from: u64) -> Result<u64> {
    const SEEK_DATA: i32 = 3;
    // SAFETY: no pointers.
    unsafe { sc!(nr::LSEEK, fd.raw(), from, SEEK_DATA) }.map(|at| at as u64)
}

/// The next position from `from` on where a hole begins (SEEK_HOLE); the end of the file is one.
pub fn next_hole(fd: BorrowedFd<'_>, from: u64) -> Result<u64> {
    const SEEK_HOLE: i32 = 4;
    // SAFETY: no pointers.
    unsafe { sc!(nr::LSEEK, fd.raw(), from, SEEK_HOLE) }.map(|at| at as u64)
}

/// Brings all of the file system that `fd` is on to the disk (syncfs(2)); since Linux 5.8 it tells of failed writes.
pub fn sync_filesystem(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::SYNCFS, fd.raw()) }.map(drop)
}
