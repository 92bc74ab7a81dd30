// SPDX-License-Identifier: Apache-2.0
//! The compressed bytes: read, hashed, counted, and no more of them than was promised; then as decoders take them.

use crate::digest::Digest;
use crate::tar::Chunks;
use crate::{Error, Result};
use estiba_sys::{BorrowedFd, fd};
use std::io::{self, BufRead, Read};
use std::mem;

const BUFFER: usize = 256 << 10;

/// A descriptor as chunks.
pub struct Reading<'a> {
    fd: BorrowedFd<'a>,
    pub digest: Digest,
    promised: Option<u64>,
}

impl<'a> Reading<'a> {
    pub fn new(fd: BorrowedFd<'a>, promised: Option<u64>) -> Reading<'a> {
        Reading { fd, digest: Digest::default(), promised }
    }

    /// Reads what is left, so that size and digest are those of all.
    pub fn drain(&mut self) -> Result<()> {
        let mut buffer = Vec::new();
        while let Some(chunk) = self.next(buffer)? {
            buffer = chunk;
        }
        Ok(())
    }
}

impl Chunks for Reading<'_> {
    /// Only the last chunk is not full.
    fn next(&mut self, mut chunk: Vec<u8>) -> Result<Option<Vec<u8>>> {
        chunk.resize(BUFFER, 0);
        let mut filled = 0;
        while let Some(room) = chunk.get_mut(filled..).filter(|room| !room.is_empty()) {
            let count = fd::read(self.fd, room).map_err(|errno| Error::refused("read the layer", errno))?;
            if count == 0 {
                break;
            }
            self.digest.update(room.get(..count).unwrap_or(&[]));
            filled += count;
            if let Some(size) = self.promised.filter(|size| self.digest.size > *size) {
                return Err(Error::corrupt(format!(
                    "the layer is longer than the {size} bytes that were promised"
                )));
            }
        }
        chunk.truncate(filled);
        Ok((filled > 0).then_some(chunk))
    }
}

/// Chunks as one stream of bytes.
pub struct Source<'a> {
    chunks: Box<dyn Chunks + 'a>,
    chunk: Vec<u8>,
    used: usize,
    /// What a decoder could only tell of as an io::Error.
    failed: Option<Error>,
}

impl<'a> Source<'a> {
    pub fn new(chunks: impl Chunks + 'a) -> Source<'a> {
        Source { chunks: Box::new(chunks), chunk: Vec::new(), used: 0, failed: None }
    }

    /// The first bytes, as many as there are up to four; before anything else is read.
    pub fn magic(&mut self) -> Result<[u8; 4]> {
        self.more()?;
        let mut magic = [0; 4];
        magic.iter_mut().zip(&self.chunk).for_each(|(to, from)| *to = *from);
        Ok(magic)
    }

    fn more(&mut self) -> Result<()> {
        self.used = 0;
        self.chunk = self.chunks.next(mem::take(&mut self.chunk))?.unwrap_or_default();
        Ok(())
    }

    /// The error that a decoder was given as an io::Error.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failed.take()
    }
}

impl Read for Source<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let from = self.fill_buf()?;
        let count = from.len().min(to.len());
        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.used == self.chunk.len()
            && let Err(error) = self.more()
        {
            self.failed = Some(error);
            return Err(io::Error::other("the source failed"));
        }
        Ok(self.chunk.get(self.used..).unwrap_or(&[]))
    }

    fn consume(&mut self, count: usize) {
        self.used = self.chunk.len().min(self.used + count);
    }
}
