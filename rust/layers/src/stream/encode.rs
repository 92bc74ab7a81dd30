// SPDX-License-Identifier: Apache-2.0
//! What compresses: each chunk alone, as one member of gzip or one frame of zstd.
//!
//! Both formats are the concatenation of such parts (RFC 1952, 2.2; RFC 8878, 3), so that chunks need nothing of each
//! other and every core can take one. The result depends on the data and the level, not on how many cores there are.

use super::Compression;
use crate::{Error, Result};
use libdeflater::{CompressionLvl, Compressor};
use std::io;
use zstd::zstd_safe::CParameter;

/// A chunk is one window: 8 MiB is what every decoder of zstd is asked to take (RFC 8878, 3.1.1.1.2).
const WINDOW_LOG: u32 = 23;

/// gzip's window has 32 KiB: a longer chunk gains less than a percent. zstd's has megabytes.
pub fn chunk_size(compression: Compression) -> usize {
    match compression {
        Compression::Zstd => 1 << WINDOW_LOG,
        Compression::None | Compression::Gzip | Compression::Auto => 1 << 20,
    }
}

/// Checks that there is such a level.
pub fn check_level(compression: Compression, asked: Option<i32>) -> Result<()> {
    let range = match compression {
        Compression::Gzip => 1..=12,
        Compression::Zstd => 1..=19,
        Compression::None | Compression::Auto => 0..=0,
    };
    match asked {
        Some(level) if !range.contains(&level) => {
            let (first, last) = (range.start(), range.end());
            Err(Error::argument(format!(
                "there is no compression level {level}: they go from {first} to {last}"
            )))
        }
        _ => Ok(()),
    }
}

/// One core's compressor.
pub enum Encoder {
    Gzip(Compressor),
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Encoder {
    pub fn new(compression: Compression, asked: Option<i32>) -> Result<Encoder> {
        match compression {
            Compression::None | Compression::Auto => Err(bug("there is nothing to compress with")),
            Compression::Gzip => {
                let level = CompressionLvl::new(asked.unwrap_or(2)).map_err(|_| bug("the level"))?;
                Ok(Encoder::Gzip(Compressor::new(level)))
            }
            Compression::Zstd => zstd(asked).map(Encoder::Zstd).map_err(bug),
        }
    }

    pub fn part(&mut self, chunk: &[u8]) -> Result<Vec<u8>> {
        match self {
            Encoder::Gzip(compressor) => member(compressor, chunk),
            Encoder::Zstd(compressor) => compressor.compress(chunk).map_err(bug),
        }
    }
}

/// Without a level: the search of level 2, with places for as many strings as such a window is worth. That is smaller
/// than level 3 as it comes, and takes two thirds of its time.
fn zstd(asked: Option<i32>) -> io::Result<zstd::bulk::Compressor<'static>> {
    let mut compressor = zstd::bulk::Compressor::new(asked.unwrap_or(2))?;
    compressor.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
    if asked.is_none() {
        compressor.set_parameter(CParameter::HashLog(18))?;
    }
    Ok(compressor)
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
