// SPDX-License-Identifier: Apache-2.0
//! What is in a file, brought into another one: shared where the file system can, holes kept.

use estiba_sys::fd::{self, BorrowedFd};
use estiba_sys::inode::Details;
use estiba_sys::{Errno, Result, copy, data, fs};
use std::sync::atomic::{AtomicBool, Ordering};

/// Up to here reading and writing is cheaper than asking for more.
const SMALL: u64 = 64 << 10;
const AT_ONCE: u64 = 1 << 30;

/// What was found out about the two file systems on the way.
#[derive(Default)]
pub struct Ways {
    shares_nothing: AtomicBool,
    copies_nothing: AtomicBool,
}

impl Ways {
    /// Copies all that `from` holds into the empty file `to`.
    pub fn copy(
        &self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        details: &Details,
        buffer: &mut [u8],
    ) -> Result<u64> {
        if details.size <= SMALL {
            return through(from, to, buffer);
        }
        if !self.shares_nothing.load(Ordering::Relaxed) {
            match copy::share(from, to) {
                Ok(()) => return Ok(details.size),
                Err(Errno::ENOSPC) => return Err(Errno::ENOSPC),
                Err(_) => self.shares_nothing.store(true, Ordering::Relaxed),
            }
        }
        // The file system counts units of 512 bytes that it really has.
        if details.blocks * 512 >= details.size {
            return self.range(from, to, 0, u64::MAX, buffer);
        }
        self.parts(from, to, details.size, buffer)
    }

    /// A file with holes.
    fn parts(&self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, size: u64, buffer: &mut [u8]) -> Result<u64> {
        let mut position = 0;
        while position < size {
            let start = match data::next_data(from, position) {
                Err(Errno::ENXIO) => break,
                start => start?,
            };
            let end = data::next_hole(from, start)?;
            self.range(from, to, start, end - start, buffer)?;
            position = end;
        }
        fs::truncate(to, size)?;
        Ok(size)
    }

    fn range(
        &self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        start: u64,
        length: u64,
        buffer: &mut [u8],
    ) -> Result<u64> {
        let mut done = 0;
        copy::seek(from, start)?;
        copy::seek(to, start)?;
        while done < length && !self.copies_nothing.load(Ordering::Relaxed) {
            match copy::copy(from, to, (length - done).min(AT_ONCE) as usize) {
                Ok(0) => return Ok(done),
                Ok(n) => done += n as u64,
                Err(errno @ (Errno::ENOSPC | Errno::EIO)) => return Err(errno),
                Err(_) => self.copies_nothing.store(true, Ordering::Relaxed),
            }
        }
        while done < length {
            let wanted = (length - done).min(buffer.len() as u64) as usize;
            let Some(piece) = buffer.get_mut(..wanted) else { return Err(Errno::EIO) };
            let n = fd::read(from, piece)?;
            if n == 0 {
                break;
            }
            fd::write_all(to, &piece[..n])?;
            done += n as u64;
        }
        Ok(done)
    }
}

fn through(from: BorrowedFd<'_>, to: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<u64> {
    let mut done = 0;
    loop {
        let n = fd::read(from, buffer)?;
        if n > 0 {
            fd::write_all(to, &buffer[..n])?;
            done += n as u64;
        }
        if n < buffer.len() {
            return Ok(done); // a regular file gives less only at its end
        }
    }
}
