// SPDX-License-Identifier: Apache-2.0
//! A stream of chunks, handed out in the pieces that the format has, without copying file data.

use super::BLOCK;
use crate::{Error, Result};

/// Where chunks come from: gives the next one, and takes the buffer of the last one back.
pub trait Chunks {
    fn next(&mut self, used: Vec<u8>) -> Result<Option<Vec<u8>>>;
}

pub struct Input<C> {
    chunks: C,
    chunk: Vec<u8>,
    /// What of `chunk` was given out.
    used: usize,
    /// Bytes of the stream given out so far.
    pub offset: u64,
}

impl<C: Chunks> Input<C> {
    pub fn new(chunks: C) -> Input<C> {
        Input { chunks, chunk: Vec::new(), used: 0, offset: 0 }
    }

    /// The next bytes, at most `limit` and at least one; none at the end of the stream.
    pub fn some(&mut self, limit: usize) -> Result<&[u8]> {
        while self.used == self.chunk.len() {
            let last = std::mem::take(&mut self.chunk);
            self.used = 0;
            match self.chunks.next(last)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(&[]),
            }
        }
        let from = self.used;
        self.used = self.chunk.len().min(from.saturating_add(limit));
        self.offset += (self.used - from) as u64;
        Ok(self.chunk.get(from..self.used).unwrap_or(&[]))
    }

    /// Fills `buffer`; returns how much there was before the end of the stream.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let piece = self.some(rest.len())?;
            if piece.is_empty() {
                break;
            }
            rest.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
            filled += piece.len();
        }
        Ok(filled)
    }

    /// The next block; none if the stream ends here.
    pub fn block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            _ => Err(ended_early()),
        }
    }

    /// Exactly `count` bytes, which the caller has bounded.
    pub fn take(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        if self.fill(&mut bytes)? == count { Ok(bytes) } else { Err(ended_early()) }
    }

    pub fn skip(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let piece = self.some(usize::try_from(count).unwrap_or(usize::MAX))?.len();
            if piece == 0 {
                return Err(ended_early());
            }
            count -= piece as u64;
        }
        Ok(())
    }

    /// Reads to the end of the stream.
    pub fn drain(&mut self) -> Result<()> {
        while !self.some(usize::MAX)?.is_empty() {}
        Ok(())
    }

    pub fn into_chunks(self) -> C {
        self.chunks
    }
}

pub fn ended_early() -> Error {
    Error::invalid("the archive ends in the middle of an entry")
}
