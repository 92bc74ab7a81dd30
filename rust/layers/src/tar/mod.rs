// SPDX-License-Identifier: Apache-2.0
//! The tar format: v7, ustar, PAX and GNU are read; ustar with PAX is written.
//!
//! Where archives contradict themselves, tools read different things out of them (RUSTSEC-2025-0110). Such archives
//! are refused here: sizes that differ, data behind entries that have none, global PAX headers with meaning.

mod header;
mod input;
mod pax;
mod reader;
mod sparse;
mod writer;

pub use input::{Chunks, Input};
pub use reader::Reader;
pub use writer::write_entry;

use estiba_sys::inode::Time;

pub const BLOCK: usize = 512;

/// A run of a sparse file's data: position and length.
pub type Extent = (u64, u64);

/// What an entry is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EntryKind {
    File,
    HardLink,
    Symlink,
    Character,
    Block,
    Folder,
    Fifo,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// As written: may be absolute, may have "." and ".." in it.
    pub path: Vec<u8>,
    pub kind: EntryKind,
    /// The twelve bits of chmod(2).
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub modified: Time,
    /// Of the file, holes included.
    pub size: u64,
    /// What a link names; else empty.
    pub link: Vec<u8>,
    /// Of a device: major, minor.
    pub device: (u32, u32),
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
    /// Of a sparse file: where its data goes, position and length, ascending.
    pub extents: Option<Vec<Extent>>,
}

impl Entry {
    pub fn new(kind: EntryKind, path: Vec<u8>) -> Entry {
        Entry {
            path,
            kind,
            mode: 0,
            uid: 0,
            gid: 0,
            modified: Time::default(),
            size: 0,
            link: Vec::new(),
            device: (0, 0),
            attributes: Vec::new(),
            extents: None,
        }
    }
}

/// How many zero bytes follow `size` bytes of data, up to the next block.
fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}
