// SPDX-License-Identifier: Apache-2.0
//! What compresses: each chunk alone, as one member of gzip or one frame of zstd.
//!
//! Both formats are the concatenation of such parts (RFC 1952, 2.2; RFC 8878, 3), so that chunks need nothing of each
//! other and every core can take one. The result depends on the data and the level, not on how many cores there are.

use super::Compression;
use crate::{Error, Result};
use libdeflater::{CompressionLvl, Compressor};

/// gzip's window has 32 KiB: a longer chunk gains less than a percent. zstd's has megabytes.
pub fn chunk_size(compression: Compression) -> usize {
    match compression {
        Compression::Zstd => 4 << 20,
        Compression::None | Compression::Gzip | Compression::Auto => 1 << 20,
    }
}

/// The levels that there are, and the one that is taken when none is named.
pub fn level(compression: Compression, asked: Option<i32>) -> Result<i32> {
    let (range, usual) = match compression {
        Compression::Gzip => (1..=12, 2),
        Compression::Zstd => (1..=19, 3),
        Compression::None | Compression::Auto => (0..=0, 0),
    };
    let level = asked.unwrap_or(usual);
    if range.contains(&level) {
        return Ok(level);
    }
    let (first, last) = (range.start(), range.end());
    Err(Error::argument(format!("there is no compression level {level}: they go from {first} to {last}")))
}

/// One core's compressor.
pub enum Encoder {
    Gzip(Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Encoder {
    pub fn new(compression: Compression, level: i32) -> Result<Encoder> {
        match compression {
            Compression::None | Compression::Auto => Err(bug("there is nothing to compress with")),
            Compression::Gzip => {
                let level = CompressionLvl::new(level).map_err(|_| bug("the level"))?;
                Ok(Encoder::Gzip(Compressor::new(level)))
            }
            Compression::Zstd => zstd::bulk::Compressor::new(level).map(Encoder::Zstd).map_err(bug),
        }
    }

    pub fn part(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        match self {
            Encoder::Gzip(compressor) => member(compressor, chunk),
            Encoder::Zstd(compressor) => compressor.compress(chunk).map_err(bug),
        }
    }
}

/// A member of gzip with nothing of the machine or the time in it (RFC 1952, 2.3).
fn member(compressor: &mut Compressor, chunk: &[u8]) -> Result<Vec<u8>> {
    const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut out = HEADER.to_vec();
    out.resize(HEADER.len() + compressor.deflate_compress_bound(chunk.len()), 0);
    let room = out.get_mut(HEADER.len()..).unwrap_or(&mut []);
    let length = compressor.deflate_compress(chunk, room).map_err(|_| bug("the bound"))?;
    out.truncate(HEADER.len() + length);
    out.extend_from_slice(&libdeflater::crc32(chunk).to_le_bytes());
    out.extend_from_slice(&(chunk.len() as u32).to_le_bytes());
    Ok(out)
}

fn bug(error: impl std::fmt::Display) -> Error {
    Error::internal(format!("the compressor failed: {error}"))
}
