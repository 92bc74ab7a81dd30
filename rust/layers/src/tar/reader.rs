// SPDX-License-Identifier: Apache-2.0
//! Entry after entry: headers with what extends them, then the data.

use super::header::Header;
use super::input::{Chunks, Input, ended_early};
use super::pax::{self, Pax};
use super::{Entry, EntryKind, padding, sparse};
use crate::error::Quoted;
use crate::{Error, Result};
use estiba_sys::inode::Time;

/// The longest path that the kernel takes (PATH_MAX without its NUL).
const LONGEST_PATH: usize = 4095;
/// What a size field of ustar can say.
const LARGEST_OCTAL: u64 = 0o777_7777_7777;

pub struct Reader<C> {
    input: Input<C>,
    /// Of the current entry's data: what is still to come, and the padding behind it.
    left: u64,
    padding: u64,
    /// Where the current entry's first header stands in the archive.
    pub at: u64,
}

/// What goes before an entry's own header.
#[derive(Default)]
struct Before {
    pax: Option<Pax>,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Before {
    fn take_pax(&mut self, bytes: &[u8]) -> Result<()> {
        let mut pax = Pax::default();
        pax.read(bytes)?;
        once(&mut self.pax, pax)
    }
}

/// Of two headers of one type, tools take the first, the last, or both.
fn once<T>(place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Error::invalid("two extended headers of one type before an entry")),
    }
}

impl<C: Chunks> Reader<C> {
    pub fn new(chunks: C) -> Reader<C> {
        Reader { input: Input::new(chunks), left: 0, padding: 0, at: 0 }
    }

    /// The next entry. What of the last one's data was not taken is passed over.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        self.input.skip(self.left.saturating_add(self.padding))?;
        (self.left, self.padding, self.at) = (0, 0, self.input.offset);
        let mut before = Before::default();
        let mut extended = false;
        loop {
            let Some(block) = self.input.block()? else {
                return if extended { Err(ended_early()) } else { Ok(None) };
            };
            let header = Header(&block);
            if header.is_zero() {
                return if extended { Err(ended_early()) } else { self.end() };
            }
            header.check_sum()?;
            match header.flag() {
                b'x' => before.take_pax(&self.extension(&header)?)?,
                b'g' => pax::check_global(&self.extension(&header)?)?,
                b'L' => once(&mut before.path, name(self.extension(&header)?))?,
                b'K' => once(&mut before.link, name(self.extension(&header)?))?,
                _ => return self.entry(&header, before).map(Some),
            }
            extended |= header.flag() != b'g';
        }
    }

    /// The next bytes of the current entry's data; none once all was taken.
    pub fn data(&mut self) -> Result<&[u8]> {
        self.data_of(u64::MAX)
    }

    /// The same, at most `limit` of them.
    pub fn data_of(&mut self, limit: u64) -> Result<&[u8]> {
        if self.left == 0 {
            return Ok(&[]);
        }
        let piece = self.input.some(usize::try_from(self.left.min(limit)).unwrap_or(usize::MAX))?;
        if piece.is_empty() {
            return Err(ended_early());
        }
        self.left -= piece.len() as u64;
        Ok(piece)
    }

    /// Reads what follows the last entry.
    pub fn drain(&mut self) -> Result<()> {
        self.input.drain()
    }

    /// Gives back where the chunks came from.
    pub fn into_chunks(self) -> C {
        self.input.into_chunks()
    }

    /// Two blocks of zeros end an archive; some programs write one, and then nothing.
    fn end(&mut self) -> Result<Option<Entry>> {
        match self.input.block()? {
            Some(block) if !Header(&block).is_zero() => {
                Err(Error::invalid("a block of zeros stands between two entries"))
            }
            _ => Ok(None),
        }
    }

    fn extension(&mut self, header: &Header<'_>) -> Result<Vec<u8>> {
        let size = header.size()?;
        if size > pax::LONGEST {
            return Err(Error::invalid(format!(
                "an extended header of {size} bytes; more than {} are refused",
                pax::LONGEST
            )));
        }
        let bytes = self.input.take(size as usize)?;
        self.input.skip(padding(size))?;
        Ok(bytes)
    }

    fn entry(&mut self, header: &Header<'_>, before: Before) -> Result<Entry> {
        let pax = before.pax.unwrap_or_default();
        if (pax.path.is_some() && before.path.is_some()) || (pax.link.is_some() && before.link.is_some()) {
            return Err(Error::invalid("two extended headers that both give a name to an entry"));
        }
        let path = pax.sparse.name.clone().or(pax.path).or(before.path);
        let path = path.unwrap_or_else(|| header.path());
        let link = pax.link.or(before.link).unwrap_or_else(|| header.link());
        let fail = |error: Error| error.within(Quoted(&path));
        check_path(&path).map_err(fail)?;
        let kind = kind(header.flag(), &path).map_err(fail)?;
        let stored = size(header, pax.size).map_err(fail)?;
        if kind != EntryKind::File && stored != 0 {
            return Err(fail(Error::invalid("an entry that is no file has data behind it")));
        }
        let mut entry = Entry::new(kind, path.clone());
        entry.mode = header.mode().map_err(fail)?;
        entry.uid = identity(pax.uid, header.uid()).map_err(fail)?;
        entry.gid = identity(pax.gid, header.gid()).map_err(fail)?;
        entry.modified = match pax.modified {
            Some(time) => time,
            None => Time { seconds: header.modified().map_err(fail)?, nanoseconds: 0 },
        };
        if matches!(kind, EntryKind::HardLink | EntryKind::Symlink) {
            check_path(&link).map_err(|error| fail(error.within("what it links to")))?;
            entry.link = link;
        }
        if matches!(kind, EntryKind::Character | EntryKind::Block) {
            entry.device = header.device().map_err(fail)?;
        }
        entry.attributes = pax.attributes;
        (self.left, self.padding, entry.size) = (stored, padding(stored), stored);
        self.sparse(header, pax.sparse, &mut entry).map_err(fail)?;
        Ok(entry)
    }

    /// Reads the map of a sparse file, whichever form it has.
    fn sparse(&mut self, header: &Header<'_>, map: sparse::PaxMap, entry: &mut Entry) -> Result<()> {
        let old = header.flag() == b'S';
        if !old && !map.is_given() {
            return Ok(());
        }
        if entry.kind != EntryKind::File || (old && map.is_given()) {
            return Err(sparse::bad());
        }
        let (extents, size) = if old {
            let (mut extents, mut more, size) = header.sparse()?;
            while more {
                let block = self.input.block()?.ok_or_else(ended_early)?;
                let (further, again) = Header(&block).more_sparse()?;
                if further.is_empty() {
                    return Err(sparse::bad());
                }
                extents.extend(further);
                more = again;
            }
            (sparse::check(extents, self.left, size)?, size)
        } else {
            map.finish(&mut self.input, &mut self.left)?
        };
        (entry.extents, entry.size) = (Some(extents), size);
        Ok(())
    }
}

/// A name that GNU tar wrote as the data of an entry: it has a NUL behind it.
fn name(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes
}

fn check_path(path: &[u8]) -> Result<()> {
    match path {
        [] => Err(Error::invalid("an empty name")),
        _ if path.len() > LONGEST_PATH => {
            Err(Error::invalid(format!("a name of {} bytes; the kernel takes {LONGEST_PATH}", path.len())))
        }
        _ if path.contains(&0) => Err(Error::invalid("a name with a NUL in it")),
        _ => Ok(()),
    }
}

fn kind(flag: u8, path: &[u8]) -> Result<EntryKind> {
    let slash = path.last() == Some(&b'/');
    match flag {
        0 if slash => Ok(EntryKind::Folder), // v7 had no flag for it
        0 | b'0' | b'7' | b'S' if slash => Err(Error::invalid("a file whose name ends like a folder's")),
        0 | b'0' | b'7' | b'S' => Ok(EntryKind::File),
        b'1' => Ok(EntryKind::HardLink),
        b'2' => Ok(EntryKind::Symlink),
        b'3' => Ok(EntryKind::Character),
        b'4' => Ok(EntryKind::Block),
        b'5' => Ok(EntryKind::Folder),
        b'6' => Ok(EntryKind::Fifo),
        _ => Err(Error::invalid(format!("an entry of type \"{}\", which no layer has", flag.escape_ascii()))),
    }
}

/// The extended header's size wins, and must be the header's own where that can say it.
fn size(header: &Header<'_>, extended: Option<u64>) -> Result<u64> {
    let own = header.size()?;
    match extended {
        None => Ok(own),
        Some(size) if size == own || size > LARGEST_OCTAL => Ok(size),
        Some(size) => Err(Error::invalid(format!(
            "its header says {own} bytes, its extended header {size}: tools disagree"
        ))),
    }
}

/// A user or group. The last number means "leave it" to chown(2).
fn identity(extended: Option<u64>, own: Result<u64>) -> Result<u32> {
    let id = extended.map_or(own, Ok)?;
    u32::try_from(id)
        .ok()
        .filter(|id| *id != u32::MAX)
        .ok_or_else(|| Error::invalid(format!("{id} is not a user or group: these end at {}", u32::MAX - 1)))
}
