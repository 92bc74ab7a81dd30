// SPDX-License-Identifier: Apache-2.0
//! A layer into a folder, in one pass.

mod entry;
mod folder;
mod place;
mod remove;
mod times;
mod whiteouts;

use crate::error::Quoted;
use crate::stream::{Compression, Inflow, Promised, flow};
use crate::tar::{Entry, Reader};
use crate::{Error, Result};
use estiba_sys::BorrowedFd;
use place::Tree;

/// What a layer's whiteouts become.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Marks of overlayfs: the folder is to be one of its layers.
    Overlay,
    /// Removals: the folder holds the layers below.
    Plain,
}

#[derive(Clone, Copy, Debug)]
pub struct Unpacking<'a> {
    pub compression: Compression,
    pub promised: Promised<'a>,
    pub form: Form,
    /// Without privileges: attributes of `user.overlay.`, no device nodes, ids that are not mapped stay the caller's.
    pub rootless: bool,
    /// Of all files in sum; the tar itself may be longer by its headers.
    pub max_bytes: u64,
    pub max_entries: u64,
}

/// What was read and made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unpacked {
    /// Of the compressed bytes.
    pub digest: String,
    pub size: u64,
    /// Digest of the tar.
    pub diff_id: String,
    /// Size of all files, holes included.
    pub bytes: u64,
    pub entries: u64,
}

/// Unpacks what can be read from `source` into `target`, and nowhere else. On failure the target holds a part.
pub fn unpack(source: BorrowedFd<'_>, target: BorrowedFd<'_>, how: &Unpacking<'_>) -> Result<Unpacked> {
    const HEADERS: u64 = 2048; // of an ordinary entry, padding included
    let most = how.max_bytes.saturating_add(how.max_entries.saturating_mul(HEADERS)).saturating_add(1 << 20);
    let (compressed, tar, (bytes, entries)) = flow(source, how.compression, how.promised, most, |inflow| {
        let mut reader = Reader::new(inflow);
        let made = Work::new(target, how).and_then(|work| work.all(&mut reader));
        let made = made.and_then(|made| reader.drain().map(|()| made));
        (reader.into_chunks(), made)
    })?;
    Ok(Unpacked { digest: compressed.text(), size: compressed.size, diff_id: tar.text(), bytes, entries })
}

struct Work<'a> {
    tree: Tree<'a>,
    how: &'a Unpacking<'a>,
    bytes: u64,
    entries: u64,
}

impl<'a> Work<'a> {
    fn new(target: BorrowedFd<'a>, how: &'a Unpacking<'a>) -> Result<Work<'a>> {
        Ok(Work { tree: Tree::new(target, how.form, how.rootless)?, how, bytes: 0, entries: 0 })
    }

    fn all(mut self, reader: &mut Reader<Inflow>) -> Result<(u64, u64)> {
        loop {
            let next = reader.next_entry();
            let place = |at: u64, entries: u64| format!("layer, entry {} at byte {at}", entries + 1);
            let at = reader.at;
            let Some(entry) = next.map_err(|error| error.within(place(at, self.entries)))? else { break };
            let one = self.one(&entry, reader);
            one.map_err(|error| error.within(Quoted(&entry.path)).within(place(at, self.entries)))?;
            self.entries += 1;
        }
        self.tree.finish()?;
        Ok((self.bytes, self.entries))
    }

    fn one(&mut self, entry: &Entry, reader: &mut Reader<Inflow>) -> Result<()> {
        const HINT: &str = "a small layer that unpacks to very much can be meant to fill the disk";
        if self.entries == self.how.max_entries {
            return Err(Error::invalid(format!("more than {} entries", self.how.max_entries)).hint(HINT));
        }
        self.bytes = self.bytes.saturating_add(entry.size);
        if self.bytes > self.how.max_bytes {
            return Err(
                Error::invalid(format!("unpacks to more than {} bytes", self.how.max_bytes)).hint(HINT)
            );
        }
        self.tree.take(entry, reader)
    }
}
