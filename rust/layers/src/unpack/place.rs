// SPDX-License-Identifier: Apache-2.0
//! Where an entry goes: its path made harmless, its folder opened or made.

use super::Form;
use super::times::Times;
use crate::folders::{Folder, Folders, Links, c_string, join, split};
use crate::whiteout::{is_overlay_whiteout, opaque_attribute};
use crate::{Error, Result, error::Quoted};
use estiba_sys::fs::{O_DIRECTORY, O_NOFOLLOW, O_RDONLY, S_IFDIR, S_IFMT};
use estiba_sys::inode::{Details, Time};
use estiba_sys::{BorrowedFd, Errno, OwnedFd, fs, inode, xattr};
use std::collections::HashSet;
use std::ffi::{CStr, CString};
use std::rc::Rc;

/// The tree that is being made or changed.
pub struct Tree<'a> {
    pub folders: Folders<'a>,
    pub form: Form,
    pub rootless: bool,
    pub times: Times,
    /// In plain form: names of this layer, by their folders' identities; whiteouts leave these alone.
    pub own: HashSet<((u64, u64), Vec<u8>)>,
}

/// A name in an open folder.
pub struct Place {
    pub folder: Rc<Folder>,
    /// The folder's path.
    pub path: Vec<u8>,
    pub base: Vec<u8>,
    pub name: CString,
}

impl Place {
    pub fn at(&self) -> BorrowedFd<'_> {
        self.folder.at()
    }

    pub fn details(&self) -> Result<Details, Errno> {
        inode::details_at(self.at(), &self.name)
    }
}

impl<'a> Tree<'a> {
    pub fn new(root: BorrowedFd<'a>, form: Form, rootless: bool) -> Result<Tree<'a>> {
        let mut folders = Folders::new(root, Links::InRoot);
        folders.open(b"").map_err(|errno| Error::refused("open the folder to unpack into", errno))?;
        Ok(Tree { folders, form, rootless, times: Times::default(), own: HashSet::new() })
    }

    /// The place of a path that is not the root's; what is missing on the way is made.
    pub fn place(&mut self, path: &[u8]) -> Result<Place> {
        let (above, base) = split(path);
        let folder = self.parent(above)?;
        let name = c_string(base).map_err(|errno| Error::by_entry("name it", errno))?;
        Ok(Place { folder, path: above.to_vec(), base: base.to_vec(), name })
    }

    fn parent(&mut self, path: &[u8]) -> Result<Rc<Folder>> {
        match self.folders.open(path) {
            Ok(folder) => Ok(folder),
            Err(Errno::ENOENT | Errno::ENOTDIR) => self.make_parents(path),
            Err(errno) => Err(Error::by_entry(format_args!("open the folder {}", Quoted(path)), errno)),
        }
    }

    /// Makes the folders that no entry has brought, from the top. Their look is that of a new root's.
    fn make_parents(&mut self, path: &[u8]) -> Result<Rc<Folder>> {
        let ends = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        let mut folder = self.folders.open(b"").map_err(|errno| Error::refused("open the root", errno))?;
        for end in ends.chain([path.len()]) {
            let part = path.get(..end).unwrap_or(path);
            folder = match self.folders.open(part) {
                Ok(next) => next,
                Err(errno @ (Errno::ENOENT | Errno::ENOTDIR)) => self.make_parent(&folder, part, errno)?,
                Err(errno) => {
                    return Err(Error::by_entry(format_args!("open the folder {}", Quoted(part)), errno));
                }
            };
        }
        Ok(folder)
    }

    fn make_parent(&mut self, above: &Rc<Folder>, path: &[u8], because: Errno) -> Result<Rc<Folder>> {
        let (parent, base) = split(path);
        let fail = |errno| Error::by_entry(format_args!("make the folder {}", Quoted(path)), errno);
        let name = c_string(base).map_err(fail)?;
        let place = Place { folder: Rc::clone(above), path: parent.to_vec(), base: base.to_vec(), name };
        let (fd, is_new) = match self.make_folder(&place) {
            Ok(made) => made,
            // Something is there: a file, or a link to what is not there.
            Err(Errno::EEXIST) => return Err(fail(because)),
            Err(errno) => return Err(fail(errno)),
        };
        if is_new {
            fs::change_mode(fd.borrow(), 0o755).map_err(fail)?;
            let identity = inode::details_at(fd.borrow(), c"").map_err(fail)?;
            self.times.later((identity.device, identity.inode), path, Time::default(), None);
            self.note(&place);
        }
        self.folders.open(path).map_err(fail)
    }

    /// Makes a folder, or opens the one that is there; says which. EEXIST: something else is there. In overlay form a
    /// whiteout of this layer gives way, and the folder hides what is below it, as the whiteout did.
    pub fn make_folder(&mut self, place: &Place) -> Result<(OwnedFd, bool), Errno> {
        let made = match fs::make_dir(place.at(), &place.name, 0o700) {
            Err(Errno::EEXIST) => {
                let there = place.details()?;
                match there.mode & S_IFMT {
                    S_IFDIR => return Ok((open_folder(place.at(), &place.name)?, false)),
                    _ if self.form == Form::Overlay && is_overlay_whiteout(there.mode, there.node) => {
                        fs::remove_file(place.at(), &place.name)?;
                        fs::make_dir(place.at(), &place.name, 0o700)?;
                        let fd = open_folder(place.at(), &place.name)?;
                        xattr::set(fd.borrow(), opaque_attribute(self.rootless), b"y")?;
                        return Ok((fd, true));
                    }
                    _ => Err(Errno::EEXIST),
                }
            }
            made => made,
        };
        made?;
        Ok((open_folder(place.at(), &place.name)?, true))
    }

    /// Remembers a name as this layer's own.
    pub fn note(&mut self, place: &Place) {
        if self.form == Form::Plain {
            self.own.insert((place.folder.identity, place.base.clone()));
        }
    }

    /// Sets what had to wait until all was there.
    pub fn finish(mut self) -> Result<()> {
        let times = std::mem::take(&mut self.times);
        times.set(&mut self.folders)
    }
}

pub fn open_folder(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd, Errno> {
    fs::open(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0)
}

/// A path without its "/", "." and empty parts: from the target's root, empty for the root itself. "a/../b" means
/// different things to different tools, and nothing good to any.
pub fn normal(path: &[u8]) -> Result<Vec<u8>> {
    let mut normal = Vec::with_capacity(path.len());
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => return Err(Error::invalid("a path with \"..\" in it")),
            part => normal = join(&normal, part),
        }
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_the_root_whatever_they_say() {
        for (path, expected) in
            [("./a/b", "a/b"), ("/a//b/", "a/b"), (".", ""), ("//", ""), ("a/./b", "a/b"), ("...", "...")]
        {
            assert_eq!(normal(path.as_bytes()), Ok(expected.as_bytes().to_vec()));
        }
        for path in ["..", "../a", "a/../b", "/..", "a/.."] {
            assert!(normal(path.as_bytes()).is_err(), "{path}");
        }
    }
}
