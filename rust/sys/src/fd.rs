// SPDX-License-Identifier: Apache-2.0
//! Descriptors: owned ones close themselves, borrowed ones are plain numbers with a lifetime.

use crate::raw::retry;
use crate::{Errno, Result, nr, sc};
use core::marker::PhantomData;

pub type RawFd = i32;

/// A descriptor that closes itself.
#[derive(Debug)]
pub struct OwnedFd(RawFd);

impl OwnedFd {
    /// Takes over `fd`, which nobody else closes.
    pub fn take(fd: RawFd) -> OwnedFd {
        OwnedFd(fd)
    }

    pub fn raw(&self) -> RawFd {
        self.0
    }

    pub fn borrow(&self) -> BorrowedFd<'_> {
        BorrowedFd(self.0, PhantomData)
    }

    /// Gives the number away: the caller closes it.
    pub fn release(self) -> RawFd {
        let fd = self.0;
        core::mem::forget(self);
        fd
    }
}

impl Drop for OwnedFd {
    fn drop(&mut self) {
        close(self.0);
    }
}

/// A descriptor that somebody else keeps open.
#[derive(Clone, Copy, Debug)]
pub struct BorrowedFd<'a>(RawFd, PhantomData<&'a OwnedFd>);

/// AT_FDCWD: relative paths start at the working directory.
pub const CWD: BorrowedFd<'static> = BorrowedFd(-100, PhantomData);

impl BorrowedFd<'static> {
    /// A descriptor known by its number, such as 0 or those that init is started with.
    pub const fn numbered(fd: RawFd) -> BorrowedFd<'static> {
        BorrowedFd(fd, PhantomData)
    }
}

impl BorrowedFd<'_> {
    pub const fn raw(self) -> RawFd {
        self.0
    }
}

/// Closes a descriptor by number. Its errors have no remedy: the number is free afterwards in any case (close(2)).
pub fn close(fd: RawFd) {
    // SAFETY: no pointers.
    let _ = unsafe { sc!(nr::CLOSE, fd) };
}

/// Marks `first` and all above close-on-exec (close_range(2), CLOSE_RANGE_CLOEXEC, Linux 5.11).
pub fn close_on_exec_from(first: RawFd) -> Result<()> {
    const CLOSE_RANGE_CLOEXEC: u32 = 4;
    // SAFETY: no pointers.
    unsafe { sc!(nr::CLOSE_RANGE, first, u32::MAX, CLOSE_RANGE_CLOEXEC) }.map(drop)
}

const F_SETFD: i32 = 2;
const F_GETFL: i32 = 3;
const F_DUPFD_CLOEXEC: i32 = 1030;

pub fn set_close_on_exec(fd: BorrowedFd<'_>, on: bool) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FCNTL, fd.raw(), F_SETFD, usize::from(on)) }.map(drop)
}

/// Whether `fd` is open, in this process.
pub fn is_open(fd: RawFd) -> bool {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FCNTL, fd, F_GETFL) }.is_ok()
}

/// A close-on-exec duplicate with the lowest free number that is at least `floor`.
pub fn duplicate_from(fd: BorrowedFd<'_>, floor: RawFd) -> Result<OwnedFd> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FCNTL, fd.raw(), F_DUPFD_CLOEXEC, floor) }.map(|fd| OwnedFd(fd as RawFd))
}

/// Makes `to` a copy of `fd` that survives exec (dup3 clears close-on-exec); equal numbers only lose the flag.
pub fn duplicate_onto(fd: BorrowedFd<'_>, to: RawFd) -> Result<()> {
    if fd.raw() == to {
        return set_close_on_exec(fd, false);
    }
    // SAFETY: no pointers.
    unsafe { sc!(nr::DUP3, fd.raw(), to, 0) }.map(drop)
}

/// Makes `to` a close-on-exec copy of `fd`, which has another number.
pub fn duplicate_over(fd: BorrowedFd<'_>, to: RawFd) -> Result<()> {
    const O_CLOEXEC: i32 = 0o2_000_000;
    // SAFETY: no pointers.
    unsafe { sc!(nr::DUP3, fd.raw(), to, O_CLOEXEC) }.map(drop)
}

pub fn read(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize> {
    // SAFETY: `buffer` is writable for its length.
    retry(|| unsafe { sc!(nr::READ, fd.raw(), buffer.as_mut_ptr(), buffer.len()) })
}

pub fn write(fd: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    // SAFETY: `bytes` is readable for its length.
    retry(|| unsafe { sc!(nr::WRITE, fd.raw(), bytes.as_ptr(), bytes.len()) })
}

/// Writes all of `bytes`.
pub fn write_all(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        let n = write(fd, bytes)?;
        if n == 0 {
            return Err(Errno::EIO);
        }
        bytes = bytes.get(n..).ok_or(Errno::EIO)?;
    }
    Ok(())
}

/// Sets the position to the start, for all who share this open file.
pub fn rewind(fd: BorrowedFd<'_>) -> Result<()> {
    const SEEK_SET: i32 = 0;
    // SAFETY: no pointers.
    unsafe { sc!(nr::LSEEK, fd.raw(), 0, SEEK_SET) }.map(drop)
}

/// One entry of a poll(2) set.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PollFd {
    pub fd: RawFd,
    pub events: i16,
    pub revents: i16,
}

pub const POLLIN: i16 = 1;
pub const POLLPRI: i16 = 2;
pub const POLLERR: i16 = 8;
pub const POLLHUP: i16 = 16;

/// Waits for events; `timeout` in milliseconds, -1 for ever. 0 means time out. EINTR is the caller's to see.
pub fn poll(set: &mut [PollFd], timeout: i32) -> Result<usize> {
    // SAFETY: `set` is writable for its length.
    unsafe { sc!(nr::POLL, set.as_mut_ptr(), set.len(), timeout) }
}

/// A pipe, both ends close-on-exec: (read, write).
pub fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0i32; 2];
    // SAFETY: `ends` has room for two descriptors.
    unsafe { sc!(nr::PIPE2, ends.as_mut_ptr(), crate::fs::O_CLOEXEC) }?;
    Ok((OwnedFd(ends[0]), OwnedFd(ends[1])))
}
