// SPDX-License-Identifier: Apache-2.0
//! The folders below one descriptor: opened by the kernel inside of it, the last one kept.
//!
//! Entries of an archive come folder by folder, so one kept descriptor saves most of the look-ups.

use estiba_sys::fs::{O_DIRECTORY, O_RDONLY, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS};
use estiba_sys::fs::{RESOLVE_NO_SYMLINKS, open_resolved};
use estiba_sys::{BorrowedFd, Errno, OwnedFd, fs, inode};
use std::ffi::CString;
use std::rc::Rc;

/// How links on the way are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Links {
    /// Followed as if the descriptor were the root, as every tool does that unpacks in a chroot.
    InRoot,
    /// Refused (ELOOP): a walk of names that the kernel has just listed meets none.
    Refused,
}

#[derive(Debug)]
pub struct Folder {
    pub fd: OwnedFd,
    /// Device and inode.
    pub identity: (u64, u64),
}

impl Folder {
    pub fn at(&self) -> BorrowedFd<'_> {
        self.fd.borrow()
    }
}

pub struct Folders<'a> {
    root: BorrowedFd<'a>,
    links: Links,
    last: Option<(Vec<u8>, Rc<Folder>)>,
}

impl<'a> Folders<'a> {
    pub fn new(root: BorrowedFd<'a>, links: Links) -> Folders<'a> {
        Folders { root, links, last: None }
    }

    /// Opens a folder by its path from the root, without slashes at the ends; an empty path is the root.
    pub fn open(&mut self, path: &[u8]) -> Result<Rc<Folder>, Errno> {
        if let Some((known, folder)) = &self.last
            && known == path
        {
            return Ok(Rc::clone(folder));
        }
        let fd = if path.is_empty() {
            fs::open(self.root, c".", O_RDONLY | O_DIRECTORY, 0)?
        } else {
            open_resolved(self.root, &c_string(path)?, O_RDONLY | O_DIRECTORY, 0, self.resolve())?
        };
        let details = inode::details_at(fd.borrow(), c"")?;
        let folder = Rc::new(Folder { fd, identity: (details.device, details.inode) });
        self.last = Some((path.to_vec(), Rc::clone(&folder)));
        Ok(folder)
    }

    fn resolve(&self) -> u64 {
        match self.links {
            Links::InRoot => RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
            Links::Refused => RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
        }
    }

    /// A folder or a link has gone: what is kept may lie elsewhere now.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

/// A path that was checked for NULs.
pub fn c_string(path: &[u8]) -> Result<CString, Errno> {
    CString::new(path).map_err(|_| Errno::EINVAL)
}

/// The folder's path and the last part; a path of one part lies in the root, which is "".
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (path.get(..at).unwrap_or(&[]), path.get(at + 1..).unwrap_or(&[])),
        None => (&[], path),
    }
}

/// A path below a folder.
pub fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}
