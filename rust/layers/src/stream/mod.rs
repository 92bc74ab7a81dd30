// SPDX-License-Identifier: Apache-2.0
//! Bytes between a descriptor and a tar: compression, digests, threads.

mod ahead;
mod decode;
mod encode;
mod inflow;
mod outflow;
mod source;

use crate::Result;
use estiba_sys::BorrowedFd;

pub use inflow::{Inflow, Promised, flow};
pub use outflow::{Outflow, outflow};

/// How a layer is compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    None,
    Gzip,
    Zstd,
    /// By its first bytes; for reading alone.
    Auto,
}

impl Compression {
    pub fn named(name: &str) -> Option<Compression> {
        match name {
            "none" => Some(Compression::None),
            "gzip" => Some(Compression::Gzip),
            "zstd" => Some(Compression::Zstd),
            "auto" => Some(Compression::Auto),
            _ => None,
        }
    }
}

/// Returns the first `length` bytes of what a file holds, inflated; fewer where there are no more. It may read on.
pub fn inflated_head(source: BorrowedFd<'_>, length: usize) -> Result<Vec<u8>> {
    let mut head = vec![0; length];
    let reading = source::Reading::new(source, None);
    let count = decode::Decoder::new(reading, Compression::Auto)?.fill(&mut head)?;
    head.truncate(count);
    Ok(head)
}
