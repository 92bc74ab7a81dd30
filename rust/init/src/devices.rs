// SPDX-License-Identifier: Apache-2.0
//! Device nodes and links below /dev. The folder is opened in the root and worked on by descriptor, so that an image
//! whose /dev is a link makes nothing outside (CVE-2026-41579).

use crate::path::make_file;
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
