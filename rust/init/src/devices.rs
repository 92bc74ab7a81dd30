// SPDX-License-Identifier: Apache-2.0
//! Device nodes and links below /dev. The folder is opened in the root and worked on by descriptor, so that an image
//! whose /dev is a link makes nothing outside (CVE-2026-41579).

use crate::path::{make_file, open_in};
use crate::run::Outcome;
use core::ffi::CStr;
use estiba_sys::fd::{BorrowedFd, CWD};
use estiba_sys::{Errno, fs, mount};

pub fn make(folder: BorrowedFd<'_>, name: &CStr, mode: u32, device: u64, uid: u32, gid: u32) -> Outcome {
    match fs::make_node(folder, name, mode, device) {
        Err(Errno::EEXIST) => {
            let there = fs::status_at(folder, name, false)?;
            if there.mode & fs::S_IFMT == mode & fs::S_IFMT && there.node == device {
                Ok(())
            } else if there.is_file() && there.size == 0 {
                Err(Errno::EPERM) // `bind_same` of an earlier start has made it
            } else {
                Err(Errno::EEXIST)
            }
        }
        made => made,
    }?;
    if uid != 0 || gid != 0 {
        fs::change_owner_at(folder, name, uid, gid)?;
    }
    Ok(())
}

/// For who may not make nodes, as in a user namespace that the caller lives in: the host's node of the same path is bound
/// instead, if it is the device that is asked for. `path`: of the folder.
#[inline(never)]
pub fn bind_same(folder: BorrowedFd<'_>, path: &CStr, name: &CStr, mode: u32, device: u64) -> Outcome {
    let host = fs::open(CWD, path, fs::O_PATH | fs::O_DIRECTORY, 0)?;
    let tree = mount::clone_tree(host.borrow(), name, false, true)?;
    let found = fs::status(tree.borrow())?;
    if found.mode & fs::S_IFMT != mode & fs::S_IFMT || found.node != device {
        return Err(Errno::EPERM.into());
    }
    match fs::open(folder, name, fs::O_CREAT | fs::O_EXCL | fs::O_NOFOLLOW | fs::O_WRONLY, 0o644) {
        Err(Errno::EEXIST) => {}
        made => drop(made?),
    }
    let at = open_in(folder, name, fs::RESOLVE_NO_SYMLINKS)?;
    Ok(mount::attach_tree(tree.borrow(), at.borrow())?)
}

pub fn bind(root: BorrowedFd<'_>, path: &CStr, source: &CStr) -> Outcome {
    let tree = mount::clone_tree(CWD, source, false, true)?;
    let at = make_file(root, path)?;
    Ok(mount::attach_tree(tree.borrow(), at.borrow())?)
}

/// A link that is there already stays, whatever it names.
pub fn make_symlink(folder: BorrowedFd<'_>, name: &CStr, target: &CStr) -> Outcome {
    match fs::make_symlink(target, folder, name) {
        Err(Errno::EEXIST) => Ok(()),
        made => Ok(made?),
    }
}
