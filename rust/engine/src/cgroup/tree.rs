// SPDX-License-Identifier: Apache-2.0
//! A cgroup with its sub-cgroups, which the container may have made itself.

use crate::cgroup::file;
use alloc::ffi::CString;
use alloc::vec::Vec;
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::{Errno, Result, fs};

/// Deeper than this no container nests; the kernel's own limit may be off.
const MAX_DEPTH: u32 = 64;

/// All processes, as this pid namespace numbers them; those it cannot see are left out.
pub fn pids(folder: BorrowedFd<'_>) -> Result<Vec<i32>> {
    let mut pids = Vec::new();
    let mut collect = |folder: BorrowedFd<'_>| {
        let text = match file::read(folder, "cgroup.procs") {
            // A threaded sub-cgroup: its processes stand in the domain above it. Or it is gone by now.
            Err(Errno::EOPNOTSUPP | Errno::ENODEV | Errno::ENOENT) => return Ok(()),
            text => text?,
        };
        pids.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
        Ok(())
    };
    each(folder, 0, &mut collect)?;
    pids.sort_unstable();
    pids.dedup();
    Ok(pids)
}

fn each(
    folder: BorrowedFd<'_>,
    depth: u32,
    visit: &mut dyn FnMut(BorrowedFd<'_>) -> Result<()>,
) -> Result<()> {
    visit(folder)?;
    for name in children(folder)? {
        if let Some(child) = open_child(folder, &name)?.filter(|_| depth < MAX_DEPTH) {
            each(child.borrow(), depth + 1, visit)?;
        }
    }
    Ok(())
}

/// Removes the sub-cgroups, lowest first. One that is in use stops it with EBUSY.
pub fn remove_children(folder: BorrowedFd<'_>, depth: u32) -> Result<()> {
    if depth == MAX_DEPTH {
        return Err(Errno::ELOOP);
    }
    for name in children(folder)? {
        if let Some(child) = open_child(folder, &name)? {
            remove_children(child.borrow(), depth + 1)?;
        }
        match fs::remove_dir(folder, &name) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn children(folder: BorrowedFd<'_>) -> Result<Vec<CString>> {
    let mut names = Vec::new();
    // A descriptor of its own: the position of the one given may stand anywhere.
    let listing = fs::open(folder, c".", fs::O_RDONLY | fs::O_DIRECTORY, 0)?;
    fs::list_folders(listing.borrow(), &mut |name| names.push(CString::from(name)))?;
    Ok(names)
}

fn open_child(folder: BorrowedFd<'_>, name: &core::ffi::CStr) -> Result<Option<OwnedFd>> {
    match fs::open(folder, name, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0) {
        Err(Errno::ENOENT) => Ok(None),
        opened => opened.map(Some),
    }
}
