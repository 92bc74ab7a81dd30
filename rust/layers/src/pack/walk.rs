// SPDX-License-Identifier: Apache-2.0
//! The order of a layer: each folder, its whiteouts, then what is in it by name, each folder followed by its own.

use super::entry::{Look, write_file};
use super::{Packing, Tree};
use crate::error::Quoted;
use crate::folders::{Folder, Folders, Links, c_string, join, split};
use crate::stream::Outflow;
use crate::tar::{BLOCK, Entry, EntryKind, write_entry};
use crate::whiteout::{OPAQUE, PREFIX, is_overlay_whiteout};
use crate::{Error, Result};
use estiba_sys::fs::{self, O_NOFOLLOW, O_NONBLOCK, O_RDONLY};
use estiba_sys::fs::{S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG};
use estiba_sys::inode::{self, Details};
use estiba_sys::{BorrowedFd, Errno, OwnedFd};
use std::collections::HashMap;
use std::ffi::CString;

/// Packs all below `root`; returns how many entries that were.
pub fn walk(root: BorrowedFd<'_>, how: &Packing, flow: &mut Outflow<'_>) -> Result<u64> {
    let folders = Folders::new(root, Links::Refused);
    let mut walk = Walk { folders, how, flow, links: HashMap::new(), entries: 0, header: Vec::new() };
    walk.all()?;
    walk.flow.zeros(2 * BLOCK as u64)?;
    Ok(walk.entries)
}

struct Walk<'a, 'b, 'c> {
    folders: Folders<'a>,
    how: &'a Packing,
    flow: &'b mut Outflow<'c>,
    /// The first path of each inode that has several, by device and inode.
    links: HashMap<(u64, u64), Vec<u8>>,
    entries: u64,
    header: Vec<u8>,
}

impl Walk<'_, '_, '_> {
    fn all(&mut self) -> Result<()> {
        let mut stack = Vec::new();
        self.enter(b"", &mut stack)?;
        while let Some((path, details)) = stack.pop() {
            let one = self.one(&path, &details, &mut stack);
            one.map_err(|error| error.within(Quoted(&path)).within("layer"))?;
        }
        Ok(())
    }

    /// Writes one entry, and puts on the stack what is below it.
    fn one(&mut self, path: &[u8], details: &Details, stack: &mut Vec<(Vec<u8>, Details)>) -> Result<()> {
        if details.mode & S_IFMT == S_IFDIR {
            return self.enter(path, stack);
        }
        let (above, base) = split(path);
        let folder = self.open(above)?;
        let name = c_string(base).map_err(|errno| Error::refused("name it", errno))?;
        if details.names > 1 {
            let identity = (details.device, details.inode);
            if let Some(first) = self.links.get(&identity) {
                let link = first.clone();
                return self.write(&Entry { link, ..self.look(EntryKind::HardLink, path, details) });
            }
            self.links.insert(identity, path.to_vec());
        }
        match details.mode & S_IFMT {
            S_IFREG => self.file(&folder, &name, path, details),
            S_IFLNK => {
                let mut buffer = [0; 4096];
                let link = fs::read_link(folder.at(), &name, &mut buffer);
                let mut entry = self.look(EntryKind::Symlink, path, details);
                entry.link = link.map_err(|errno| Error::refused("read the link", errno))?.to_vec();
                self.write(&entry)
            }
            S_IFCHR => self.write(&self.look(EntryKind::Character, path, details)),
            S_IFBLK => self.write(&self.look(EntryKind::Block, path, details)),
            S_IFIFO => self.write(&self.look(EntryKind::Fifo, path, details)),
            _ => Ok(()), // a socket
        }
    }

    fn file(&mut self, folder: &Folder, name: &CString, path: &[u8], before: &Details) -> Result<()> {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
        let file = fs::open(folder.at(), name, flags, 0).map_err(|errno| Error::refused("open it", errno))?;
        let details = details_of(&file)?;
        if (details.device, details.inode) != (before.device, before.inode) {
            return Err(changed());
        }
        let mut entry = self.look(EntryKind::File, path, &details);
        entry.size = details.size;
        let look = Look::of(file.borrow(), self.how.rootless)?;
        look.refuse_indirect()?;
        entry.attributes = look.attributes;
        self.write(&entry)?;
        write_file(&file, details.size, self.flow)
    }

    /// Writes a folder's entry and its whiteouts, and puts the rest of it on the stack, the first on top.
    fn enter(&mut self, path: &[u8], stack: &mut Vec<(Vec<u8>, Details)>) -> Result<()> {
        let folder = self.open(path)?;
        let details = details_of(&folder.fd)?;
        let look = Look::of(folder.at(), self.how.rootless)?;
        let overlay = self.how.tree == Tree::Overlay;
        if overlay {
            look.refuse_indirect()?;
        }
        let opaque = overlay && look.opaque;
        let mut entry = self.look(EntryKind::Folder, path, &details);
        entry.attributes = look.attributes;
        // The root has an entry where it is not as roots are: other tools' layers have none.
        if !path.is_empty() {
            entry.path.push(b'/');
            self.write(&entry)?;
        } else if (entry.mode, entry.uid, entry.gid) != (0o755, 0, 0) || !entry.attributes.is_empty() {
            entry.path = b"./".to_vec();
            self.write(&entry)?;
        }
        if opaque {
            self.write(&self.whiteout(join(path, OPAQUE)))?;
        }
        let (hidden, names) = self.names(&folder, path)?;
        for name in hidden {
            self.write(&self.whiteout(join(path, &[PREFIX, &name].concat())))?;
        }
        stack.extend(names.into_iter().rev());
        Ok(())
    }

    /// What a folder hides, and the paths of what it holds, sorted.
    #[expect(clippy::type_complexity, reason = "two sorted lists")]
    fn names(&self, folder: &Folder, path: &[u8]) -> Result<(Vec<Vec<u8>>, Vec<(Vec<u8>, Details)>)> {
        let fail = |errno| Error::refused("list it", errno);
        let mut all = Vec::new();
        fs::list_dir(folder.at(), &mut |name| all.push(name.to_owned())).map_err(fail)?;
        all.sort_unstable();
        let (mut hidden, mut names) = (Vec::new(), Vec::new());
        for name in all {
            let details = inode::details_at(folder.at(), &name).map_err(fail)?;
            let bytes = name.to_bytes();
            if self.how.tree == Tree::Overlay && is_overlay_whiteout(details.mode, details.node) {
                hidden.push(bytes.to_vec());
            } else if bytes.starts_with(PREFIX) {
                return Err(Error::invalid(format!(
                    "holds {}: a layer cannot, it would be a whiteout",
                    Quoted(bytes)
                )));
            } else {
                names.push((join(path, bytes), details));
            }
        }
        Ok((hidden, names))
    }

    fn open(&mut self, path: &[u8]) -> Result<std::rc::Rc<Folder>> {
        self.folders.open(path).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP => changed(),
            _ => Error::refused("open its folder", errno),
        })
    }

    /// The entry that an inode's facts make.
    fn look(&self, kind: EntryKind, path: &[u8], details: &Details) -> Entry {
        let mut entry = Entry::new(kind, path.to_vec());
        entry.mode = if kind == EntryKind::Symlink { 0o777 } else { details.mode & 0o7777 };
        (entry.uid, entry.gid) = (details.uid, details.gid);
        entry.modified.seconds = match self.how.clamp {
            Some(latest) => details.modified.seconds.min(latest),
            None => details.modified.seconds,
        };
        if matches!(kind, EntryKind::Character | EntryKind::Block) {
            let node = details.node;
            let minor = (node & 0xff) | ((node >> 12) & 0xf_ff00);
            entry.device = (((node >> 8) & 0xfff) as u32, minor as u32);
        }
        entry
    }

    fn whiteout(&self, path: Vec<u8>) -> Entry {
        Entry::new(EntryKind::File, path)
    }

    fn write(&mut self, entry: &Entry) -> Result<()> {
        self.header.clear();
        write_entry(&mut self.header, entry)?;
        self.entries += 1;
        self.flow.write(&self.header)
    }
}

fn details_of(fd: &OwnedFd) -> Result<Details> {
    inode::details_at(fd.borrow(), c"").map_err(|errno| Error::refused("look at it", errno))
}

pub fn changed() -> Error {
    Error::invalid("changed while it was packed").hint("pause or stop what writes there")
}
