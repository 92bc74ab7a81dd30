// SPDX-License-Identifier: Apache-2.0
//! Paths inside a root, walked one component at a time from descriptors that are held: "..", absolute links and links
//! that lead nowhere stay inside, whatever is renamed meanwhile.

use crate::error::{Error, Kind, Result};
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::inode::{self, Details};
use estiba_sys::{Errno, fs};
use std::collections::VecDeque;
use std::ffi::{CStr, CString};

const MOST_LINKS: usize = 40;
const LONGEST_LINK: usize = 4096;

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

/// What is there already.
#[derive(Debug)]
pub struct Found {
    /// Opened with O_PATH.
    pub fd: OwnedFd,
    pub details: Details,
    /// Where it is, without links: "" is the root.
    pub path: Vec<u8>,
    /// The links that led to it, each where it is.
    pub links: Vec<Vec<u8>>,
}

/// Finds what `path` names inside `root`, links followed, also at its end; an empty path is the root.
pub fn find(root: BorrowedFd<'_>, path: &[u8]) -> Result<Found> {
    Walk::start(root, path)?.find(path)
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
    /// Those that were followed.
    links: Vec<Vec<u8>>,
    is_new: bool,
}

/// Where one component has led.
enum Step {
    Done,
    /// No folder, and no link either.
    File(OwnedFd, Details, CString),
    Nothing(CString),
}

impl Walk {
    fn start(root: BorrowedFd<'_>, path: &[u8]) -> Result<Walk> {
        let root = fs::open(root, c".", fs::O_PATH | fs::O_DIRECTORY, 0)
            .map_err(|errno| Error::refused("open a root", errno))?;
        let mut walk =
            Walk { held: vec![(root, Vec::new())], ahead: VecDeque::new(), links: Vec::new(), is_new: false };
        walk.put_in_front(path);
        Ok(walk)
    }

    fn put_in_front(&mut self, path: &[u8]) {
        for part in path.rsplit(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".") {
            self.ahead.push_front(part.to_vec());
        }
    }

    fn find(mut self, whole: &[u8]) -> Result<Found> {
        while let Some(part) = self.ahead.pop_front() {
            match self.step(part).map_err(|errno| unreached(whole, errno))? {
                Step::Done => {}
                Step::File(fd, details, name) if self.ahead.is_empty() && !whole.ends_with(b"/") => {
                    return Ok(Found { fd, details, path: self.path_of(name.to_bytes()), links: self.links });
                }
                Step::File(..) => return Err(not_a_folder(whole)),
                Step::Nothing(_) => {
                    let error = Error::new(Kind::TreeInvalid, quoted(whole));
                    return Err(Error { errno: Some(Errno::ENOENT), ..error });
                }
            }
        }
        let links = std::mem::take(&mut self.links);
        let Folder { fd, path, .. } = self.folder();
        let details = inode::details_at(fd.borrow(), c"").map_err(|errno| unreached(whole, errno))?;
        Ok(Found { fd, details, path, links })
    }

    fn go(mut self, whole: &[u8], owner: Owner, to_folder: bool) -> Result<Place> {
        let refused = |errno| unreached(whole, errno);
        while let Some(part) = self.ahead.pop_front() {
            let step = self.step(part).map_err(refused)?;
            let is_last = self.ahead.is_empty() && !to_folder;
            match step {
                Step::Done => {}
                Step::File(.., name) | Step::Nothing(name) if is_last => return Ok(self.name(name)),
                Step::File(..) => return Err(not_a_folder(whole)),
                Step::Nothing(name) => self.make(name, owner).map_err(refused)?,
            }
        }
        Ok(Place::Folder(self.folder()))
    }

    /// Enters a folder, goes up, or puts the target of a link in front of what is ahead.
    fn step(&mut self, part: Vec<u8>) -> estiba_sys::Result<Step> {
        if part == b".." {
            if self.held.len() > 1 {
                self.held.pop();
            }
            return Ok(Step::Done);
        }
        let name = CString::new(part).map_err(|_| Errno::EINVAL)?;
        let found = match inode::hold(self.at(), &name, false) {
            Err(Errno::ENOENT) => return Ok(Step::Nothing(name)),
            found => found?,
        };
        let details = inode::details_at(found.borrow(), c"")?;
        match details.mode & fs::S_IFMT {
            fs::S_IFDIR => self.enter(found, name, false),
            fs::S_IFLNK => self.follow(&found, &name)?,
            _ => return Ok(Step::File(found, details, name)),
        }
        Ok(Step::Done)
    }

    fn at(&self) -> BorrowedFd<'_> {
        // The root is never taken off.
        self.held.last().map_or(BorrowedFd::numbered(-1), |(fd, _)| fd.borrow())
    }

    fn enter(&mut self, folder: OwnedFd, name: CString, is_new: bool) {
        self.is_new = is_new;
        self.held.push((folder, name.into_bytes()));
    }

    fn follow(&mut self, link: &OwnedFd, name: &CStr) -> estiba_sys::Result<()> {
        if self.links.len() == MOST_LINKS {
            return Err(Errno::ELOOP);
        }
        self.links.push(self.path_of(name.to_bytes()));
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

    /// The path of a name in the folder where the walk is; without a name, of the folder.
    fn path_of(&self, name: &[u8]) -> Vec<u8> {
        let folders = self.held.iter().skip(1).map(|(_, name)| &name[..]);
        let names: Vec<&[u8]> = folders.chain([name]).filter(|name| !name.is_empty()).collect();
        names.join(&b'/')
    }

    fn folder(mut self) -> Folder {
        let path = self.path_of(b"");
        let is_new = self.is_new;
        let fd = self.held.pop().map_or_else(|| OwnedFd::take(-1), |(fd, _)| fd);
        Folder { fd, path, is_new }
    }
}

fn unreached(path: &[u8], errno: Errno) -> Error {
    Error::refused(format_args!("reach {} inside the root", quoted(path)), errno)
}

fn not_a_folder(path: &[u8]) -> Error {
    Error::new(Kind::TreeInvalid, format!("{}: a component of it is no folder", quoted(path)))
}

/// A path as messages show it.
pub fn quoted(path: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(path))
}
