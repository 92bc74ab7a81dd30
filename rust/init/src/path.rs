// SPDX-License-Identifier: Apache-2.0
//! Paths inside the root: every step of the walk is openat2 in the root, never a joined string.
//!
//! The root file system is an attacker: any component may be a symbolic link, and may change while we look.

use crate::run::Failure;
use core::ffi::CStr;
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::{Errno, fs};

type Found = Result<OwnedFd, Failure>;

const PATH_MAX: usize = 4096;
const MAX_LINKS: u32 = 40;

/// Opens `path` inside `root` with O_PATH.
pub fn open_in(root: BorrowedFd<'_>, path: &CStr, resolve: u64) -> Result<OwnedFd, Errno> {
    open_with(root, path, fs::O_PATH, resolve)
}

pub fn open_with(root: BorrowedFd<'_>, path: &CStr, flags: i32, resolve: u64) -> Result<OwnedFd, Errno> {
    let path = if path.is_empty() { c"." } else { path };
    fs::open_resolved(root, path, flags, 0, fs::RESOLVE_IN_ROOT | fs::RESOLVE_NO_MAGICLINKS | resolve)
}

/// A path with room to cut and extend it.
struct Walk {
    bytes: [u8; PATH_MAX],
    length: usize,
}

impl Walk {
    /// Filled in place by `append`: a Walk that is returned is copied, and lies on the stack twice.
    const EMPTY: Walk = Walk { bytes: [0; PATH_MAX], length: 0 };

    fn append(&mut self, part: &[u8]) -> Result<(), Errno> {
        let end =
            self.length.checked_add(part.len()).filter(|&end| end < PATH_MAX).ok_or(Errno::ENAMETOOLONG)?;
        self.bytes.get_mut(self.length..end).ok_or(Errno::ENAMETOOLONG)?.copy_from_slice(part);
        self.length = end;
        Ok(())
    }

    fn text(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }

    /// Where the component that starts at or after `from` starts and ends.
    fn component(&self, from: usize) -> Option<(usize, usize)> {
        let rest = self.text().get(from..)?;
        let start = from.checked_add(rest.iter().position(|&byte| byte != b'/')?)?;
        let rest = self.text().get(start..)?;
        let length = rest.iter().position(|&byte| byte == b'/').unwrap_or(rest.len());
        Some((start, start.checked_add(length)?))
    }

    /// Calls `then` with the part from `start` to `end` as a C string.
    fn with<T>(&mut self, start: usize, end: usize, then: impl FnOnce(&CStr) -> T) -> Result<T, Errno> {
        let kept = core::mem::take(self.bytes.get_mut(end).ok_or(Errno::ENAMETOOLONG)?);
        let part = self.bytes.get(start..=end).ok_or(Errno::EINVAL)?;
        let result = CStr::from_bytes_with_nul(part).map(then).map_err(|_| Errno::EINVAL);
        if let Some(byte) = self.bytes.get_mut(end) {
            *byte = kept;
        }
        result
    }
}

/// Opens the folder `path` inside `root`, making what is missing of it with mode `mode`. A symbolic link that leads to
/// nothing is followed inside the root, and its target made.
pub fn make_dirs(root: BorrowedFd<'_>, path: &CStr, mode: u32) -> Found {
    match open_in(root, path, 0) {
        Err(Errno::ENOENT) => make_missing(root, path, mode),
        found => Ok(found?),
    }
}

/// The same for a path that is known to be missing.
#[inline(never)] // its buffers: see `perform`
pub fn make_missing(root: BorrowedFd<'_>, path: &CStr, mode: u32) -> Found {
    match make_last(root, path, mode)? {
        Some(made) => Ok(made),
        None => make_each(root, path, mode),
    }
}

/// Component by component.
#[inline(never)]
fn make_each(root: BorrowedFd<'_>, path: &CStr, mode: u32) -> Found {
    let mut walk = Walk::EMPTY;
    walk.append(path.to_bytes())?;
    let mut links = 0u32;
    let mut at = open_in(root, c".", 0)?;
    let mut from = 0;
    while let Some((start, end)) = walk.component(from) {
        match walk.with(0, end, |prefix| open_in(root, prefix, 0))? {
            Ok(found) => {
                at = found;
                from = end;
                continue;
            }
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        match walk.with(start, end, |name| fs::make_dir(at.borrow(), name, mode))? {
            Ok(()) => {}
            Err(Errno::EEXIST) => {
                links = links.checked_add(1).filter(|&n| n <= MAX_LINKS).ok_or(Errno::ELOOP)?;
                walk = follow(at.borrow(), &mut walk, start, end)?;
                at = open_in(root, c".", 0)?;
                from = 0;
            }
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(at)
}

/// The common case: only the last component is missing. None: more is, or a link that leads nowhere is in the way.
fn make_last(root: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<Option<OwnedFd>, Errno> {
    let Ok((parent, name)) = split(path) else { return Ok(None) };
    let mut walk = Walk::EMPTY;
    walk.append(parent)?;
    let end = walk.length;
    let folder = match walk.with(0, end, |parent| open_in(root, parent, 0))? {
        Err(Errno::ENOENT) => return Ok(None),
        folder => folder?,
    };
    match fs::make_dir(folder.borrow(), name, mode) {
        Err(Errno::EEXIST) => Ok(None),
        made => made.and_then(|()| open_in(folder.borrow(), name, fs::RESOLVE_NO_SYMLINKS)).map(Some),
    }
}

/// The part up to the last slash, and the component behind it.
fn split(path: &CStr) -> Result<(&[u8], &CStr), Errno> {
    let bytes = path.to_bytes_with_nul();
    let cut = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash.wrapping_add(1));
    let name = bytes.get(cut..).and_then(|name| CStr::from_bytes_with_nul(name).ok()).ok_or(Errno::EINVAL)?;
    if name.is_empty() || name == c"." || name == c".." {
        return Err(Errno::EINVAL);
    }
    Ok((bytes.get(..cut).unwrap_or(&[]), name))
}

/// The walk with the dangling link at `start..end` replaced by what it names.
fn follow(at: BorrowedFd<'_>, walk: &mut Walk, start: usize, end: usize) -> Result<Walk, Errno> {
    let mut buffer = [0; PATH_MAX];
    let target = walk.with(start, end, |name| fs::read_link(at, name, &mut buffer))??;
    let before = if target.starts_with(b"/") { &[] } else { walk.text().get(..start).unwrap_or(&[]) };
    let mut new = Walk::EMPTY;
    new.append(before)?;
    new.append(target)?;
    new.append(walk.text().get(end..).unwrap_or(&[]))?;
    Ok(new)
}

/// Opens the file `path` inside `root`; made empty, folders included, if it is missing.
pub fn make_file(root: BorrowedFd<'_>, path: &CStr) -> Found {
    match open_in(root, path, 0) {
        Err(Errno::ENOENT) => {}
        found => return Ok(found?),
    }
    let (folder, name) = make_parent(root, path)?;
    let flags = fs::O_CREAT | fs::O_EXCL | fs::O_NOFOLLOW | fs::O_WRONLY;
    fs::open(folder.borrow(), name, flags, 0o644)?;
    Ok(open_in(folder.borrow(), name, 0)?)
}

/// Opens the folder that `path` lies in, made if it is missing, and says the last component.
#[inline(never)]
pub fn make_parent<'p>(root: BorrowedFd<'_>, path: &'p CStr) -> Result<(OwnedFd, &'p CStr), Failure> {
    let (parent, name) = split(path)?;
    let mut walk = Walk::EMPTY;
    walk.append(parent)?;
    let end = walk.length;
    let folder = walk.with(0, end, |parent| make_dirs(root, parent, 0o755))??;
    Ok((folder, name))
}
