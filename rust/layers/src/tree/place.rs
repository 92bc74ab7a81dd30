// SPDX-License-Identifier: Apache-2.0
//! Paths inside a root, walked one component at a time from descriptors that are held: "..", absolute links and links
//! that lead nowhere stay inside, whatever is renamed meanwhile.

use crate::error::{Error, Kind, Result};
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::{Errno, fs, inode};
use std::collections::VecDeque;
use std::ffi::{CStr, CString};

const MOST_LINKS: u32 = 40;
const LONGEST_LINK: usize = 4096;

/// Opens what `path` names inside `root`, links followed, with O_PATH; an empty path is the root.
pub fn open_in(root: BorrowedFd<'_>, path: &CStr, flags: i32) -> estiba_sys::Result<OwnedFd> {
    let path = match path.to_bytes() {
        [] => c".",
        _ => path,
    };
    fs::open_resolved(root, path, flags, 0, fs::RESOLVE_IN_ROOT | fs::RESOLVE_NO_MAGICLINKS)
}

/// Folders that are made on the way: whose they are.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    pub uid: u32,
    pub gid: u32,
}

/// A folder inside a root.
#[derive(Debug)]
pub struct Folder {
    /// Opened with O_PATH.
    pub fd: OwnedFd,
    /// Where it is, without links: "" is the root.
    pub path: Vec<u8>,
    /// It was made on the way.
    pub is_new: bool,
}

/// What a path leads to.
#[derive(Debug)]
pub enum Place {
    Folder(Folder),
    /// A name in a folder: of no folder, or of nothing yet.
    Name(Folder, CString),
}

/// Opens the folder `path` inside `root`; what is missing of it is made, with mode 0755.
pub fn make_folder(root: BorrowedFd<'_>, path: &[u8], owner: Owner) -> Result<Folder> {
    match Walk::start(root, path)?.go(path, owner, true)? {
        Place::Folder(folder) => Ok(folder),
        Place::Name(..) => Err(not_a_folder(path)),
    }
}

/// Finds the place that `path` names inside `root`, a last link followed; what is missing of its parents is made.
pub fn make_parents(root: BorrowedFd<'_>, path: &[u8], owner: Owner) -> Result<Place> {
    Walk::start(root, path)?.go(path, owner, path.ends_with(b"/"))
}

struct Walk {
    /// The folders from the root to where the walk is, with their names; the root has none.
    held: Vec<(OwnedFd, Vec<u8>)>,
    ahead: VecDeque<Vec<u8>>,
    links: u32,
    is_new: bool,
}

impl Walk {
    fn start(root: BorrowedFd<'_>, path: &[u8]) -> Result<Walk> {
        let root = open_in(root, c"", fs::O_PATH | fs::O_DIRECTORY)
            .map_err(|errno| Error::refused("open a root", errno))?;
        let mut walk =
            Walk { held: vec![(root, Vec::new())], ahead: VecDeque::new(), links: 0, is_new: false };
        walk.put_in_front(path);
        Ok(walk)
    }

    fn put_in_front(&mut self, path: &[u8]) {
        for part in path.rsplit(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".") {
            self.ahead.push_front(part.to_vec());
        }
    }

    fn go(mut self, whole: &[u8], owner: Owner, to_folder: bool) -> Result<Place> {
        let refused = |errno| Error::refused(format_args!("reach {} inside the root", quoted(whole)), errno);
        while let Some(part) = self.ahead.pop_front() {
            if part == b".." {
                if self.held.len() > 1 {
                    self.held.pop();
                }
                continue;
            }
            let name = CString::new(part).map_err(|_| refused(Errno::EINVAL))?;
            let is_last = self.ahead.is_empty() && !to_folder;
            match inode::hold(self.at(), &name, false) {
                Ok(found) => {
                    let details = inode::details_at(found.borrow(), c"").map_err(refused)?;
                    match details.mode & fs::S_IFMT {
                        fs::S_IFDIR => self.enter(found, name, false),
                        fs::S_IFLNK => self.follow(&found).map_err(refused)?,
                        _ if is_last => return Ok(self.name(name)),
                        _ => return Err(not_a_folder(whole)),
                    }
                }
                Err(Errno::ENOENT) if is_last => return Ok(self.name(name)),
                Err(Errno::ENOENT) => self.make(name, owner).map_err(refused)?,
                Err(errno) => return Err(refused(errno)),
            }
        }
        Ok(Place::Folder(self.folder()))
    }

    fn at(&self) -> BorrowedFd<'_> {
        // The root is never taken off.
        self.held.last().map_or(BorrowedFd::numbered(-1), |(fd, _)| fd.borrow())
    }

    fn enter(&mut self, folder: OwnedFd, name: CString, is_new: bool) {
        self.is_new = is_new;
        self.held.push((folder, name.into_bytes()));
    }

    fn follow(&mut self, link: &OwnedFd) -> estiba_sys::Result<()> {
        self.links += 1;
        if self.links > MOST_LINKS {
            return Err(Errno::ELOOP);
        }
        let mut buffer = vec![0; LONGEST_LINK];
        let target = fs::read_link(link.borrow(), c"", &mut buffer)?;
        if target.starts_with(b"/") {
            self.held.truncate(1);
        }
        self.put_in_front(target);
        Ok(())
    }

    fn make(&mut self, name: CString, owner: Owner) -> estiba_sys::Result<()> {
        match fs::make_dir(self.at(), &name, 0o755) {
            Err(Errno::EEXIST) => {
                self.ahead.push_front(name.into_bytes()); // somebody was faster: look again
                return Ok(());
            }
            made => made?,
        }
        let folder = fs::open(self.at(), &name, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)?;
        fs::change_owner_at(folder.borrow(), c"", owner.uid, owner.gid)?;
        fs::change_mode(folder.borrow(), 0o755)?;
        self.enter(folder, name, true);
        Ok(())
    }

    fn name(self, name: CString) -> Place {
        Place::Name(self.folder(), name)
    }

    fn folder(mut self) -> Folder {
        let names: Vec<&[u8]> = self.held.iter().skip(1).map(|(_, name)| &name[..]).collect();
        let path = names.join(&b'/');
        let is_new = self.is_new;
        let fd = self.held.pop().map_or_else(|| OwnedFd::take(-1), |(fd, _)| fd);
        Folder { fd, path, is_new }
    }
}

fn not_a_folder(path: &[u8]) -> Error {
    Error::new(Kind::TreeInvalid, format!("{}: a component of it is no folder", quoted(path)))
}

/// A path as messages show it.
pub fn quoted(path: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(path))
}
