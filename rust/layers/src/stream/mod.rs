// SPDX-License-Identifier: Apache-2.0
//! Bytes between a descriptor and a tar: compression, digests, threads.

mod decode;
mod encode;
mod inflow;
mod outflow;
mod source;

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
