// SPDX-License-Identifier: Apache-2.0
//! Maps of sparse files, as GNU tar writes them into extended headers (its manual, "Storing Sparse Files").
//!
//!     0.0   GNU.sparse.offset and .numbytes, one pair of records an extent
//!     0.1   GNU.sparse.map=OFFSET,LENGTH,...
//!     1.0   GNU.sparse.major=1: the map stands before the data, decimal numbers of a line each, padded to a block

use super::Extent;
use super::input::{Chunks, Input};
use super::pax::{decimal, digits};
use crate::{Error, Result};

/// More extents than a map in a header of a mebibyte can name.
const MOST: usize = 1 << 18;

#[derive(Default)]
pub struct PaxMap {
    pub name: Option<Vec<u8>>,
    size: Option<u64>,
    major: Option<u64>,
    extents: Vec<Extent>,
    /// An offset whose length has not come yet.
    half: Option<u64>,
    seen: bool,
}

impl PaxMap {
    /// Takes a record whose key may be of another program.
    pub fn take(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let Some(key) = key.strip_prefix(b"GNU.sparse.") else { return Ok(()) };
        self.seen = true;
        match key {
            b"name" => self.name = Some(value.to_vec()),
            b"size" | b"realsize" => self.size = Some(decimal(key, value)?),
            b"major" => self.major = Some(decimal(key, value)?),
            b"offset" if self.half.is_none() => self.half = Some(decimal(key, value)?),
            b"numbytes" => {
                let offset = self.half.take().ok_or_else(bad)?;
                self.extents.push((offset, decimal(key, value)?));
            }
            b"map" => self.extents = pairs(value.split(|byte| *byte == b',').map(digits))?,
            b"minor" | b"numblocks" => {}
            _ => return Err(bad()),
        }
        Ok(())
    }

    pub fn is_given(&self) -> bool {
        self.seen
    }

    /// The map and the size with holes; of version 1.0 it is read from the data, of which it takes away.
    pub fn finish(self, input: &mut Input<impl Chunks>, stored: &mut u64) -> Result<(Vec<Extent>, u64)> {
        let size = self.size.ok_or_else(bad)?;
        let extents = match self.major {
            None | Some(0) if self.half.is_none() => self.extents,
            Some(1) => read_map(input, stored)?,
            _ => return Err(bad()),
        };
        Ok((check(extents, *stored, size)?, size))
    }
}

/// Extents ascend, end before the size, and hold exactly what is stored; empty ones say nothing.
pub fn check(mut extents: Vec<Extent>, stored: u64, size: u64) -> Result<Vec<Extent>> {
    let (mut end, mut sum) = (0u64, 0u64);
    for (offset, length) in &extents {
        let after = offset.checked_add(*length).ok_or_else(bad)?;
        if *offset < end || after > size {
            return Err(bad());
        }
        (end, sum) = (after, sum + length);
    }
    if sum != stored {
        return Err(bad());
    }
    extents.retain(|(_, length)| *length > 0);
    Ok(extents)
}

fn read_map(input: &mut Input<impl Chunks>, stored: &mut u64) -> Result<Vec<Extent>> {
    let mut lines = Lines { input, stored, block: Vec::new(), used: 0 };
    let count = usize::try_from(lines.number()?).ok().filter(|count| *count <= MOST).ok_or_else(bad)?;
    let mut extents = Vec::new();
    for _ in 0..count {
        extents.push((lines.number()?, lines.number()?));
    }
    Ok(extents)
}

struct Lines<'a, C> {
    input: &'a mut Input<C>,
    stored: &'a mut u64,
    block: Vec<u8>,
    used: usize,
}

impl<C: Chunks> Lines<'_, C> {
    fn number(&mut self) -> Result<u64> {
        let mut text = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return digits(&text).ok_or_else(bad),
                _ if text.len() > 20 => return Err(bad()),
                byte => text.push(byte),
            }
        }
    }

    fn byte(&mut self) -> Result<u8> {
        if self.used == self.block.len() {
            *self.stored = self.stored.checked_sub(super::BLOCK as u64).ok_or_else(bad)?;
            self.block = self.input.take(super::BLOCK)?;
            self.used = 0;
        }
        self.used += 1;
        self.block.get(self.used - 1).copied().ok_or_else(bad)
    }
}

fn pairs(mut numbers: impl Iterator<Item = Option<u64>>) -> Result<Vec<Extent>> {
    let mut pairs = Vec::new();
    while let Some(offset) = numbers.next() {
        let length = numbers.next().flatten().ok_or_else(bad)?;
        pairs.push((offset.ok_or_else(bad)?, length));
    }
    Ok(pairs)
}

pub fn bad() -> Error {
    Error::invalid("the map of a sparse file contradicts itself")
}
