// SPDX-License-Identifier: Apache-2.0
//! One entry: made under a name that is free, through descriptors that follow nothing, then given its look.

use super::place::{Place, Tree, normal};
use crate::attributes::{DEFAULT_ACL, travels};
use crate::error::Quoted;
use crate::folders::{c_string, split};
use crate::tar::{Chunks, Entry, EntryKind, Reader};
use crate::whiteout::{Mark, PREFIX, mark};
use crate::{Error, Result};
use estiba_sys::fs::{O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, S_IFBLK, S_IFCHR, S_IFIFO};
use estiba_sys::{BorrowedFd, Errno, OwnedFd, data, fd, fs, inode, xattr};
use std::ffi::CStr;

impl Tree<'_> {
    /// Does what an entry says.
    pub fn take<C: Chunks>(&mut self, entry: &Entry, reader: &mut Reader<C>) -> Result<()> {
        let path = normal(&entry.path)?;
        if path.is_empty() {
            return match entry.kind {
                EntryKind::Folder => self.root(entry),
                _ => Err(Error::invalid("the root can be a folder only")),
            };
        }
        let (above, base) = split(&path);
        if let Some(part) = above.split(|byte| *byte == b'/').find(|part| part.starts_with(PREFIX)) {
            return match mark(part)? {
                Some(Mark::Meaningless) => Ok(()),
                _ => Err(Error::invalid("an entry below a whiteout")),
            };
        }
        let mark = mark(base)?;
        if mark == Some(Mark::Meaningless) {
            return Ok(());
        }
        if mark.is_some() && !matches!(entry.kind, EntryKind::File | EntryKind::HardLink) {
            return Err(Error::invalid("a whiteout that is no file"));
        }
        let place = self.place(&path)?;
        match mark {
            Some(Mark::Opaque) => return self.hide_all(&place),
            Some(Mark::Hides(hidden)) => return self.hide(&place, hidden),
            Some(Mark::Meaningless) | None => {}
        }
        match entry.kind {
            EntryKind::Folder => self.folder(&path, &place, entry)?,
            EntryKind::File => self.file(&place, entry, reader)?,
            EntryKind::HardLink => self.hard_link(&place, &entry.link)?,
            EntryKind::Symlink => self.symlink(&place, entry)?,
            EntryKind::Character => self.node(&place, entry, S_IFCHR)?,
            EntryKind::Block => self.node(&place, entry, S_IFBLK)?,
            EntryKind::Fifo => self.node(&place, entry, S_IFIFO)?,
        }
        self.note(&place);
        Ok(())
    }

    fn file<C: Chunks>(&mut self, place: &Place, entry: &Entry, reader: &mut Reader<C>) -> Result<()> {
        let file = self.fresh(place, "create it", |at, name| {
            fs::open(at, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        })?;
        match &entry.extents {
            Some(extents) => write_extents(&file, entry.size, extents, reader)?,
            None => write(&file, reader)?,
        }
        let fail = |errno| Error::by_entry("set what it looks like", errno);
        self.own(file.borrow(), c"", entry).map_err(fail)?;
        self.attributes(file.borrow(), entry, false)?;
        fs::change_mode(file.borrow(), entry.mode).map_err(fail)?;
        inode::set_modified_at(file.borrow(), c"", entry.modified).map_err(fail)
    }

    /// A link to what this layer has already. That a link is one more name for itself changes nothing.
    fn hard_link(&mut self, place: &Place, link: &[u8]) -> Result<()> {
        let link = normal(link).map_err(|error| error.within("what it links to"))?;
        let (above, base) = split(&link);
        if base.is_empty() || link.split(|byte| *byte == b'/').any(|part| part.starts_with(PREFIX)) {
            return Err(Error::invalid("a hard link to a folder or to a whiteout"));
        }
        let fail = |errno| {
            let error = Error::by_entry(format_args!("link to {}", Quoted(&link)), errno);
            match errno {
                Errno::ENOENT => {
                    error.hint("a hard link names an entry that stands before it in the same layer")
                }
                _ => error,
            }
        };
        let folder = self.folders.open(above).map_err(fail)?;
        let name = c_string(base).map_err(fail)?;
        let there = inode::details_at(folder.at(), &name).map_err(fail)?;
        if self.is_forged(there.mode, there.node) || there.mode & fs::S_IFMT == fs::S_IFDIR {
            return Err(Error::invalid("a hard link to a folder or to a whiteout"));
        }
        match place.details() {
            Ok(old) if (old.device, old.inode) == (there.device, there.inode) => return Ok(()),
            _ => {}
        }
        self.clear(place).map_err(|errno| Error::by_entry("replace what was there", errno))?;
        inode::link(folder.at(), &name, place.at(), &place.name).map_err(fail)
    }

    fn symlink(&mut self, place: &Place, entry: &Entry) -> Result<()> {
        let target = c_string(&entry.link).map_err(|errno| Error::by_entry("link", errno))?;
        self.fresh(place, "make the link", |at, name| fs::make_symlink(&target, at, name))?;
        self.look(place, entry)
    }

    fn node(&mut self, place: &Place, entry: &Entry, kind: u32) -> Result<()> {
        let (major, minor) = (u64::from(entry.device.0), u64::from(entry.device.1));
        let (is_fifo, is_device) = (kind == S_IFIFO, kind != S_IFIFO);
        if is_device && (major > 0xfff || minor > 0xf_ffff) {
            return Err(Error::invalid(format!("{major}:{minor} is no device of Linux")));
        }
        // struct inode's numbers as the kernel takes them from user space (linux/kdev_t.h, new_decode_dev).
        let device = if is_fifo { 0 } else { (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12) };
        if is_device && self.is_forged(kind, device) {
            return Err(Error::invalid("a device 0:0: overlayfs would take it for a whiteout"));
        }
        if is_device && self.rootless {
            // Not for who has no privileges; a container gets its devices from the runtime.
            return self.clear(place).map_err(|errno| Error::by_entry("replace what was there", errno));
        }
        self.fresh(place, "make the node", |at, name| fs::make_node(at, name, kind | 0o600, device))?;
        self.look(place, entry)?;
        let mode = entry.mode & 0o777;
        inode::change_mode_of(place.at(), &place.name, mode)
            .and_then(|()| inode::set_modified_at(place.at(), &place.name, entry.modified))
            .map_err(|errno| Error::by_entry("set what it looks like", errno))
    }

    /// Owner and time of what cannot be opened.
    fn look(&mut self, place: &Place, entry: &Entry) -> Result<()> {
        self.own(place.at(), &place.name, entry)
            .and_then(|()| inode::set_modified_at(place.at(), &place.name, entry.modified))
            .map_err(|errno| Error::by_entry("set what it looks like", errno))
    }

    /// Makes something new under a name; a second time after what had the name was removed.
    fn fresh<T>(
        &mut self,
        place: &Place,
        doing: &str,
        make: impl Fn(BorrowedFd<'_>, &CStr) -> Result<T, Errno>,
    ) -> Result<T> {
        match make(place.at(), &place.name) {
            Err(Errno::EEXIST) => {
                self.clear(place).map_err(|errno| Error::by_entry("replace what was there", errno))?;
                make(place.at(), &place.name)
            }
            made => made,
        }
        .map_err(|errno| Error::by_entry(doing, errno))
    }

    /// Sets the owner; an empty name means `at`. Without privileges one that is not mapped stays the caller.
    pub fn own(&self, at: BorrowedFd<'_>, name: &CStr, entry: &Entry) -> Result<(), Errno> {
        match fs::change_owner_at(at, name, entry.uid, entry.gid) {
            Err(Errno::EINVAL | Errno::EPERM) if self.rootless => Ok(()),
            done => done,
        }
    }

    /// Sets the attributes that travel. A folder's ACL for new entries waits.
    pub fn attributes(&self, file: BorrowedFd<'_>, entry: &Entry, is_folder: bool) -> Result<()> {
        for (name, value) in entry.attributes.iter().filter(|(name, _)| travels(name)) {
            if is_folder && name == DEFAULT_ACL {
                continue;
            }
            let set = c_string(name).and_then(|name| xattr::set(file, &name, value));
            match set {
                Ok(()) => {}
                Err(Errno::EPERM) if self.rootless => {}
                Err(errno) => {
                    let what = Quoted(name);
                    return Err(Error::by_entry(format_args!("set its attribute {what}"), errno));
                }
            }
        }
        Ok(())
    }
}

fn write<C: Chunks>(file: &OwnedFd, reader: &mut Reader<C>) -> Result<()> {
    loop {
        let piece = reader.data()?;
        if piece.is_empty() {
            return Ok(());
        }
        fd::write_all(file.borrow(), piece).map_err(|errno| Error::refused("write it", errno))?;
    }
}

/// Data where the map says, holes between.
fn write_extents<C: Chunks>(
    file: &OwnedFd,
    size: u64,
    extents: &[(u64, u64)],
    reader: &mut Reader<C>,
) -> Result<()> {
    let fail = |errno| Error::by_entry("write it", errno);
    fs::truncate(file.borrow(), size).map_err(fail)?;
    for (offset, length) in extents {
        let mut done = 0;
        while done < *length {
            let piece = reader.data_of(length - done)?;
            data::write_all_at(file.borrow(), piece, offset + done).map_err(fail)?;
            done += piece.len() as u64;
        }
    }
    Ok(())
}
