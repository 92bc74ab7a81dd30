// SPDX-License-Identifier: Apache-2.0
//! Copies a tree into a fresh file system (tmpcopyup): folders, files, links and nodes, with owners and permissions.
//!
//! By descriptor and single name only, links never followed: whoever changes the tree meanwhile changes what is copied,
//! and nothing else.

use crate::run::Outcome;
use core::ffi::CStr;
use estiba_sys::fd::{BorrowedFd, OwnedFd, read, write_all};
use estiba_sys::fs::{self, Status};
use estiba_sys::{Errno, Result};

/// Folders in folders; a level takes about 3 KiB of stack.
const DEEPEST: u32 = 128;

/// Copies what is in `from` into `to`, both folders; `to` may be any folder that has none of the names.
pub fn tree(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Outcome {
    let from = open_folder(from, c".")?;
    Ok(entries(from.borrow(), to, DEEPEST)?)
}

fn open_folder(at: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd> {
    fs::open(at, name, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)
}

fn entries(from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: u32) -> Result<()> {
    let left = depth.checked_sub(1).ok_or(Errno::ELOOP)?;
    let mut result = Ok(());
    fs::list_dir(from, &mut |name| {
        if result.is_ok() {
            result = entry(from, to, name, left);
        }
    })?;
    result
}

fn entry(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, depth: u32) -> Result<()> {
    let status = fs::status_at(from, name, false)?;
    match status.mode & fs::S_IFMT {
        fs::S_IFDIR => folder(from, to, name, depth),
        fs::S_IFREG => file(from, to, name),
        fs::S_IFLNK => link(from, to, name, &status),
        _ => {
            fs::make_node(to, name, status.mode, status.node)?;
            take_owner(to, name, &status)?;
            fs::change_mode_at(to, name, status.mode & 0o7777)
        }
    }
}

fn folder(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, depth: u32) -> Result<()> {
    let source = open_folder(from, name)?;
    fs::make_dir(to, name, 0o700)?;
    let copy = open_folder(to, name)?;
    entries(source.borrow(), copy.borrow(), depth)?;
    finish(&source, &copy)
}

// Apart, so that the buffers of `file` and `link` do not lie on every level's stack.

/// O_NONBLOCK: what was a file a moment ago may be a FIFO now.
#[inline(never)]
fn file(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr) -> Result<()> {
    let source = fs::open(from, name, fs::O_RDONLY | fs::O_NOFOLLOW | fs::O_NONBLOCK, 0)?;
    let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL | fs::O_NOFOLLOW;
    let copy = fs::open(to, name, flags, 0o600)?;
    let mut buffer = [0; 8192];
    loop {
        let n = read(source.borrow(), &mut buffer)?;
        if n == 0 {
            return finish(&source, &copy);
        }
        write_all(copy.borrow(), buffer.get(..n).ok_or(Errno::EIO)?)?;
    }
}

#[inline(never)]
fn link(from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, status: &Status) -> Result<()> {
    let mut buffer = [0; 4096];
    let length = fs::read_link(from, name, buffer.get_mut(..4095).ok_or(Errno::EIO)?)?.len();
    let target = buffer.get(..=length).and_then(|bytes| CStr::from_bytes_until_nul(bytes).ok());
    fs::make_symlink(target.ok_or(Errno::EINVAL)?, to, name)?;
    take_owner(to, name, status)
}

/// Owner first: changing it takes the set-id bits away (chown(2)).
fn finish(source: &OwnedFd, copy: &OwnedFd) -> Result<()> {
    let status = fs::status(source.borrow())?;
    take_owner(copy.borrow(), c"", &status)?;
    fs::change_mode(copy.borrow(), status.mode & 0o7777)
}

/// An owner that this user namespace does not map cannot be given (EINVAL): the copy stays its root's.
fn take_owner(at: BorrowedFd<'_>, name: &CStr, status: &Status) -> Result<()> {
    match fs::change_owner_at(at, name, status.uid, status.gid) {
        Err(Errno::EINVAL) => Ok(()),
        done => done,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use estiba_sys::fd::CWD;
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    /// Two folders, removed when the test ends.
    struct Folders {
        from: PathBuf,
        to: PathBuf,
    }

    impl Folders {
        fn make(name: &str) -> Folders {
            let base = std::env::temp_dir().join(std::format!("estiba-copy-{}-{name}", std::process::id()));
            let folders = Folders { from: base.join("from"), to: base.join("to") };
            std::fs::create_dir_all(&folders.from).unwrap();
            std::fs::create_dir(&folders.to).unwrap();
            folders
        }

        fn copy(&self) -> Outcome {
            let open = |path: &Path| {
                let path = CString::new(path.as_os_str().as_bytes()).unwrap();
                fs::open(CWD, &path, fs::O_PATH | fs::O_DIRECTORY, 0).unwrap()
            };
            tree(open(&self.from).borrow(), open(&self.to).borrow())
        }
    }

    impl Drop for Folders {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(self.from.parent().unwrap());
        }
    }

    #[test]
    fn files_keep_their_content_and_set_id_bits_in_folders_of_any_mode() {
        let folders = Folders::make("files");
        let content = std::vec![7u8; 20_000];
        std::fs::create_dir(folders.from.join("a")).unwrap();
        std::fs::write(folders.from.join("a/big"), &content).unwrap();
        std::fs::set_permissions(folders.from.join("a/big"), PermissionsExt::from_mode(0o4755)).unwrap();
        std::fs::set_permissions(folders.from.join("a"), PermissionsExt::from_mode(0o1570)).unwrap();
        folders.copy().unwrap();
        assert_eq!(std::fs::read(folders.to.join("a/big")).unwrap(), content);
        assert_eq!(std::fs::metadata(folders.to.join("a/big")).unwrap().mode() & 0o7777, 0o4755);
        assert_eq!(std::fs::metadata(folders.to.join("a")).unwrap().mode() & 0o7777, 0o1570);
    }

    #[test]
    fn a_link_is_copied_and_never_followed() {
        let folders = Folders::make("link");
        symlink("/etc", folders.from.join("out")).unwrap();
        symlink("nowhere", folders.from.join("dangling")).unwrap();
        folders.copy().unwrap();
        assert_eq!(std::fs::read_link(folders.to.join("out")).unwrap(), Path::new("/etc"));
        assert_eq!(std::fs::read_link(folders.to.join("dangling")).unwrap(), Path::new("nowhere"));
    }

    #[test]
    fn a_tree_deeper_than_the_stack_allows_is_refused() {
        let folders = Folders::make("deep");
        let mut path = folders.from.clone();
        for _ in 0..=DEEPEST {
            path.push("d");
            std::fs::create_dir(&path).unwrap();
        }
        assert_eq!(folders.copy().unwrap_err().errno, Errno::ELOOP);
    }
}
