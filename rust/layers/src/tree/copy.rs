// SPDX-License-Identifier: Apache-2.0
//! A file or a tree copied into a root, as COPY means it.
//!
//! What is in a folder goes into the target folder; a file becomes the target, or goes into it where that is a folder.
//! Folders merge, also through a link of the target's to a folder inside the root; anything else is replaced.

use super::attributes;
use super::content::Ways;
use super::mode::Mode;
use super::place::{self, Owner, Place, make_folder, make_parents, quoted};
use super::source::Source;
use super::walk::{BUFFER, Entered, Entry, Visitor, walk};
use crate::error::{Error, Kind, Result};
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::inode::{self, Details};
use estiba_sys::{Errno, fs, process};
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What becomes of a copy.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// None: as in the source.
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mode: Option<Mode>,
}

#[derive(Clone, Copy)]
pub struct Target<'a> {
    pub root: BorrowedFd<'a>,
    /// Inside the root; a slash at its end: a folder.
    pub path: &'a [u8],
}

/// How much was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files, folders, links and devices; not the folders made on the way.
    pub entries: u64,
    pub bytes: u64,
}

pub fn copy(source: &Source<'_>, target: Target<'_>, rules: &Rules, threads: usize) -> Result<Copied> {
    let copying = Copying {
        target,
        rules,
        ways: Ways::default(),
        entries: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        late: Arc::default(),
    };
    let found = source.open()?;
    if found.details.mode & fs::S_IFMT == fs::S_IFDIR {
        let top = fs::open(found.fd.borrow(), c".", fs::O_RDONLY | fs::O_DIRECTORY, 0)
            .map_err(|errno| Error::refused(format_args!("open {}", quoted(source.path)), errno))?;
        walk(&copying, &found, top, threads)?;
    } else {
        copying.alone(source.path, &found.fd, &found.details)?;
    }
    let late = copying.late.lock().unwrap_or_else(PoisonError::into_inner).take();
    let copied = Copied { entries: copying.entries.into_inner(), bytes: copying.bytes.into_inner() };
    late.map_or(Ok(copied), Err)
}

struct Copying<'a> {
    target: Target<'a>,
    rules: &'a Rules,
    ways: Ways,
    entries: AtomicU64,
    bytes: AtomicU64,
    /// What failed when a folder was finished.
    late: Arc<Mutex<Option<Error>>>,
}

/// The copy of a folder.
struct Made {
    fd: OwnedFd,
    /// Inside the root.
    path: Vec<u8>,
    /// New files take its group.
    gives_group: Option<u32>,
    finish: Option<Finish>,
}

/// What can be set only when nothing more is put into a folder.
struct Finish {
    mode: u32,
    modified: inode::Time,
    late: Arc<Mutex<Option<Error>>>,
}

impl Drop for Made {
    fn drop(&mut self) {
        let Some(Finish { mode, modified, late }) = self.finish.take() else { return };
        let set = fs::change_mode(self.fd.borrow(), mode)
            .and_then(|()| inode::set_modified_at(self.fd.borrow(), c"", modified));
        if let Err(errno) = set {
            let error = Error::refused(format_args!("finish the folder {}", quoted(&self.path)), errno);
            late.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}

impl Visitor for Copying<'_> {
    type State = Made;

    fn folder(&self, folder: &Entered<'_, Made>) -> Result<Made> {
        let (found, is_theirs) = match folder.parent {
            None => {
                let found = make_folder(self.target.root, self.target.path, self.new_owner())?;
                // A target that was there keeps its own mode and owner.
                let is_theirs = !found.is_new;
                (found, is_theirs)
            }
            Some(parent) => (self.folder_in(parent, folder)?, false),
        };
        let shown = &found.path[..];
        let refused = |errno| Error::refused(format_args!("make the folder {}", quoted(shown)), errno);
        let fd = fs::open(found.fd.borrow(), c".", fs::O_RDONLY | fs::O_DIRECTORY, 0).map_err(refused)?;
        let mut finish = None;
        if !is_theirs {
            self.entries.fetch_add(1, Ordering::Relaxed);
            let owner = self.owner(folder.details);
            fs::change_owner_at(fd.borrow(), c"", owner.uid, owner.gid).map_err(refused)?;
            let attributes = attributes::read(folder.source.borrow(), folder.path, self.keeps_ids())?;
            attributes::write(fd.borrow(), shown, &attributes)?;
            finish = Some(Finish {
                mode: self.mode(folder.details),
                modified: folder.details.modified,
                late: Arc::clone(&self.late),
            });
        }
        let details = inode::details_at(fd.borrow(), c"").map_err(refused)?;
        let gives_group = (details.mode & 0o2000 != 0).then_some(details.gid);
        Ok(Made { fd, path: found.path, gives_group, finish })
    }

    fn file(&self, entry: &Entry<'_, Made>, source: &OwnedFd, buffer: &mut [u8]) -> Result<()> {
        let into = Into { folder: &entry.folder.fd, gives_group: entry.folder.gives_group, name: entry.name };
        self.copy_file(&into, entry.path, source, entry.details, buffer)
    }

    fn other(&self, entry: &Entry<'_, Made>) -> Result<()> {
        let into = Into { folder: &entry.folder.fd, gives_group: None, name: entry.name };
        self.copy_other(&into, entry.path, (entry.source_folder, entry.name), entry.details)
    }

    fn linked(&self, entry: &Entry<'_, Made>, first: &Entry<'_, Made>) -> Result<()> {
        let (from, to) = (first.folder.fd.borrow(), entry.folder.fd.borrow());
        self.entries.fetch_add(1, Ordering::Relaxed);
        self.replacing(to, entry.name, entry.path, || inode::link(from, first.name, to, entry.name))
    }
}

/// Where a copy goes.
struct Into<'a> {
    folder: &'a OwnedFd,
    gives_group: Option<u32>,
    name: &'a CStr,
}

impl Copying<'_> {
    /// The source is no folder.
    fn alone(&self, path: &[u8], source: &OwnedFd, details: &Details) -> Result<()> {
        let written = path.rsplit(|byte| *byte == b'/').find(|part| !part.is_empty()).unwrap_or_default();
        let (folder, name) = match make_parents(self.target.root, self.target.path, self.new_owner())? {
            Place::Name(folder, name) => (folder, name),
            Place::Folder(folder) => {
                let name = CString::new(written).unwrap_or_default();
                if name.is_empty() || written == b".." || written == b"." {
                    return Err(Error::new(Kind::TreeInvalid, format!("{} names no file", quoted(path))));
                }
                (folder, name)
            }
        };
        let refused = |errno| Error::refused(format_args!("copy {}", quoted(path)), errno);
        let parent = inode::details_at(folder.fd.borrow(), c"").map_err(refused)?;
        let gives_group = (parent.mode & 0o2000 != 0).then_some(parent.gid);
        let into = Into { folder: &folder.fd, gives_group, name: &name };
        if details.mode & fs::S_IFMT != fs::S_IFREG {
            return Err(Error::new(
                Kind::TreeInvalid,
                format!("{} is neither a file nor a folder", quoted(path)),
            ));
        }
        // By the descriptor that was looked at: its name may mean something else by now.
        let by_number = CString::new(format!("/proc/self/fd/{}", source.raw())).unwrap_or_default();
        let opened =
            fs::open(estiba_sys::fd::CWD, &by_number, fs::O_RDONLY | fs::O_NOCTTY, 0).map_err(refused)?;
        self.copy_file(&into, path, &opened, details, &mut vec![0; BUFFER])
    }

    /// A folder of the tree: made, or merged with what the target has there.
    fn folder_in(&self, parent: &Made, folder: &Entered<'_, Made>) -> Result<place::Folder> {
        let at = parent.fd.borrow();
        let mut path = parent.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(folder.name.to_bytes());
        let refused = |errno| Error::refused(format_args!("make the folder {}", quoted(&path)), errno);
        let is_new = match fs::make_dir(at, folder.name, 0o700) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(refused(errno)),
        };
        match fs::open(at, folder.name, fs::O_PATH | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0) {
            Ok(fd) => Ok(place::Folder { fd, path, is_new }),
            // A link, as /lib is to usr/lib: it leads into the root or it is refused.
            Err(Errno::ENOTDIR | Errno::ELOOP) => make_folder(self.target.root, &path, self.new_owner())
                .map_err(|_| {
                    let (from, to) = (quoted(folder.path), quoted(&path));
                    let message = format!("cannot copy the folder {from} over the file {to}");
                    Error::new(Kind::TreeInvalid, message)
                }),
            Err(errno) => Err(refused(errno)),
        }
    }

    fn copy_file(
        &self,
        into: &Into<'_>,
        path: &[u8],
        source: &OwnedFd,
        details: &Details,
        buffer: &mut [u8],
    ) -> Result<()> {
        let refused = |errno| Error::refused(format_args!("copy {}", quoted(path)), errno);
        let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL | fs::O_NOFOLLOW;
        let mut made = None;
        self.replacing(into.folder.borrow(), into.name, path, || {
            made = Some(fs::open(into.folder.borrow(), into.name, flags, 0o600)?);
            Ok(())
        })?;
        let Some(made) = made else { return Err(refused(Errno::EIO)) };
        let to = made.borrow();
        let bytes = self.ways.copy(source.borrow(), to, details, buffer).map_err(refused)?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.entries.fetch_add(1, Ordering::Relaxed);
        // Owner, attributes, mode: each takes away what a later one gives (chown(2), capabilities(7)).
        let owner = self.owner(details);
        if owner.uid != 0 || owner.gid != 0 || into.gives_group.is_some() || !is_root() {
            fs::change_owner_at(to, c"", owner.uid, owner.gid).map_err(refused)?;
        }
        let attributes = attributes::read(source.borrow(), path, self.keeps_ids())?;
        attributes::write(to, path, &attributes)?;
        fs::change_mode(to, self.mode(details)).map_err(refused)?;
        inode::set_modified_at(to, c"", details.modified).map_err(refused)
    }

    fn copy_other(
        &self,
        into: &Into<'_>,
        path: &[u8],
        (source, name): (&OwnedFd, &CStr),
        details: &Details,
    ) -> Result<()> {
        let refused = |errno| Error::refused(format_args!("copy {}", quoted(path)), errno);
        let at = into.folder.borrow();
        let owner = self.owner(details);
        if details.mode & fs::S_IFMT == fs::S_IFLNK {
            let mut buffer = vec![0; 4096];
            let target = fs::read_link(source.borrow(), name, &mut buffer).map_err(refused)?;
            let target = CString::new(target).map_err(|_| refused(Errno::EINVAL))?;
            self.replacing(at, into.name, path, || fs::make_symlink(&target, at, into.name))?;
        } else {
            if details.mode & fs::S_IFMT == fs::S_IFCHR && details.node == 0 {
                let message = format!("{} is a device 0:0, which means a deleted file", quoted(path));
                return Err(Error::new(Kind::TreeInvalid, message));
            }
            let kind = details.mode & fs::S_IFMT;
            self.replacing(at, into.name, path, || fs::make_node(at, into.name, kind | 0o600, details.node))?;
        }
        self.entries.fetch_add(1, Ordering::Relaxed);
        fs::change_owner_at(at, into.name, owner.uid, owner.gid).map_err(refused)?;
        if details.mode & fs::S_IFMT != fs::S_IFLNK {
            inode::change_mode_of(at, into.name, self.mode(details)).map_err(refused)?;
        }
        inode::set_modified_at(at, into.name, details.modified).map_err(refused)
    }

    /// Makes something under a name that may be taken, by anything but a folder.
    fn replacing(
        &self,
        at: BorrowedFd<'_>,
        name: &CStr,
        path: &[u8],
        mut make: impl FnMut() -> estiba_sys::Result<()>,
    ) -> Result<()> {
        let refused = |errno| Error::refused(format_args!("copy {}", quoted(path)), errno);
        match make() {
            Err(Errno::EEXIST) => {}
            made => return made.map_err(refused),
        }
        match fs::remove_file(at, name) {
            Err(Errno::EISDIR) => {
                let message = format!("cannot copy {} over a folder of this name", quoted(path));
                return Err(Error::new(Kind::TreeInvalid, message));
            }
            removed => removed.map_err(refused)?,
        }
        make().map_err(refused)
    }

    /// Of folders that the source has not.
    fn new_owner(&self) -> Owner {
        Owner { uid: self.rules.uid.unwrap_or(0), gid: self.rules.gid.unwrap_or(0) }
    }

    fn owner(&self, details: &Details) -> Owner {
        Owner { uid: self.rules.uid.unwrap_or(details.uid), gid: self.rules.gid.unwrap_or(details.gid) }
    }

    fn mode(&self, details: &Details) -> u32 {
        let is_folder = details.mode & fs::S_IFMT == fs::S_IFDIR;
        self.rules.mode.as_ref().map_or(details.mode & 0o7777, |mode| mode.apply(details.mode, is_folder))
    }

    fn keeps_ids(&self) -> bool {
        self.rules.uid.is_none() && self.rules.gid.is_none()
    }
}

fn is_root() -> bool {
    process::effective_uid() == 0 && process::effective_gid() == 0
}
