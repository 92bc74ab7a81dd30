// SPDX-License-Identifier: Apache-2.0
//! The compressed bytes as they are read: hashed, counted, and no more of them than was promised.

use crate::digest::Digest;
use crate::{Error, Result};
use estiba_sys::{BorrowedFd, fd};
use std::io::{self, BufRead, Read};

const BUFFER: usize = 256 << 10;

pub struct Source<'a> {
    fd: BorrowedFd<'a>,
    buffer: Vec<u8>,
    used: usize,
    filled: usize,
    digest: Digest,
    promised: Option<u64>,
    /// What a decoder could only tell of as an io::Error.
    failed: Option<Error>,
}

impl<'a> Source<'a> {
    pub fn new(fd: BorrowedFd<'a>, promised: Option<u64>) -> Source<'a> {
        let digest = Digest::default();
        Source { fd, buffer: vec![0; BUFFER], used: 0, filled: 0, digest, promised, failed: None }
    }

    /// The first bytes, as many as there are up to four.
    pub fn magic(&mut self) -> Result<[u8; 4]> {
        let mut magic = [0; 4];
        while self.filled < magic.len() {
            if !self.more()? {
                break;
            }
        }
        magic.iter_mut().zip(self.buffer.iter().take(self.filled)).for_each(|(to, from)| *to = *from);
        Ok(magic)
    }

    /// Reads once, behind what is in the buffer. False at the end.
    fn more(&mut self) -> Result<bool> {
        if self.used == self.filled {
            (self.used, self.filled) = (0, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or(&mut []);
        let count = fd::read(self.fd, room).map_err(|errno| Error::refused("read the layer", errno))?;
        self.digest.update(room.get(..count).unwrap_or(&[]));
        self.filled += count;
        match self.promised {
            Some(size) if self.digest.size > size => {
                Err(Error::corrupt(format!("the layer is longer than the {size} bytes that were promised")))
            }
            _ => Ok(count > 0),
        }
    }

    /// Reads what is left, so that size and digest are those of all.
    pub fn drain(&mut self) -> Result<()> {
        self.used = self.filled;
        while self.more()? {
            self.used = self.filled;
        }
        Ok(())
    }

    /// The error that a decoder was given as an io::Error.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failed.take()
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
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
        if self.used == self.filled
            && let Err(error) = self.more()
        {
            self.failed = Some(error);
            return Err(io::Error::other("the source failed"));
        }
        Ok(self.buffer.get(self.used..self.filled).unwrap_or(&[]))
    }

    fn consume(&mut self, count: usize) {
        self.used = self.filled.min(self.used + count);
    }
}
