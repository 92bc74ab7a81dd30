// SPDX-License-Identifier: Apache-2.0
//! Layers of images: a compressed tar into a folder, and a folder into a compressed tar; trees stacked, copied, digested.
//!
//!     unpack   source ─► [thread: read, sha256] ─► [thread: inflate] ─chunks─► sha256, tar ─► files below one descriptor
//!     pack     folder ─► walk, tar, sha256 ─chunks─► [threads: deflate] ─in order─► sha256, write
//!
//! Archives are hostile: every path is resolved by the kernel from the descriptor of the target (openat2,
//! RESOLVE_IN_ROOT), nothing is ever followed to create or change a file, and all that grows has a bound.
#![forbid(unsafe_code)]

mod attributes;
mod digest;
mod error;
mod folders;
pub mod overlay;
mod pack;
mod stream;
pub mod tar;
pub mod tree;
mod unpack;
mod whiteout;

pub use error::{Error, Kind, Result};
pub use pack::{Packed, Packing, Tree, pack};
pub use stream::{Compression, Promised, inflated_head};
pub use unpack::{Form, Unpacked, Unpacking, unpack};
