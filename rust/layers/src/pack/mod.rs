// SPDX-License-Identifier: Apache-2.0
//! A folder into a layer: the same tree gives the same bytes, on any machine and at any time.
//!
//! Names are sorted, whiteouts before their siblings; times have whole seconds, as everywhere in images; nothing of
//! the packing program, user names, access times or the host's labels gets in. Sockets are left out: tar has none.

mod entry;
mod walk;

use crate::Result;
use crate::stream::{Compression, outflow};
use estiba_sys::BorrowedFd;

/// What the folder is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tree {
    /// A layer of overlayfs: its whiteouts become those of archives.
    Overlay,
    /// A plain tree.
    Plain,
}

#[derive(Clone, Copy, Debug)]
pub struct Packing {
    pub tree: Tree,
    pub compression: Compression,
    /// 1 to 12 of gzip, 1 to 19 of zstd; None: what is quick for its size.
    pub level: Option<i32>,
    /// No time in the layer is later (SOURCE_DATE_EPOCH), in seconds since 1970.
    pub clamp: Option<i64>,
    /// The marks of overlayfs are attributes of `user.overlay.`.
    pub rootless: bool,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Packed {
    /// Of the compressed bytes.
    pub digest: String,
    pub size: u64,
    /// Digest of the tar.
    pub diff_id: String,
    pub tar_bytes: u64,
    pub entries: u64,
}

/// Packs the tree at `tree` and writes the layer to `out`.
pub fn pack(tree: BorrowedFd<'_>, out: BorrowedFd<'_>, how: &Packing) -> Result<Packed> {
    let (written, entries) = outflow(out, how.compression, how.level, |flow| walk::walk(tree, how, flow))?;
    Ok(Packed {
        digest: written.digest,
        size: written.size,
        diff_id: written.diff_id,
        tar_bytes: written.tar_bytes,
        entries,
    })
}
