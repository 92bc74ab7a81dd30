// SPDX-License-Identifier: Apache-2.0
//! Removes a container's cgroup: what it made inside, its folders, the parents that were made for it.

use crate::cgroup::file;
use crate::cgroup::place::Dir;
use crate::cgroup::tree;
use crate::cgroup::wait;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fd::CWD;
use estiba_sys::{Errno, fs};

/// Removes every folder of the list; one that is gone already is fine. All are tried, the first failure is told.
/// `patience`: milliseconds for processes that were killed to leave.
pub fn remove(dirs: &[Dir], patience: u64) -> Result<()> {
    let deadline = Deadline::after(patience);
    let mut first = Ok(());
    for dir in dirs {
        let done = remove_one(dir, &deadline);
        if done.is_ok() {
            remove_parents(dir);
        }
        first = first.and(done);
    }
    first
}

/// Removes a folder in which nobody is any more, for the price of one call; false if it is used, or cannot be removed.
pub fn remove_if_empty(dir: &Dir) -> bool {
    let gone = file::c_path(&dir.path).and_then(|path| fs::remove_dir(CWD, &path));
    let is_gone = matches!(gone, Ok(()) | Err(Errno::ENOENT));
    if is_gone {
        remove_parents(dir);
    }
    is_gone
}

fn remove_one(dir: &Dir, deadline: &Deadline) -> Result<()> {
    let refused = |errno| Error::refused(format!("remove the cgroup \"{}\"", dir.path), errno);
    let path = file::c_path(&dir.path).map_err(refused)?;
    loop {
        match fs::remove_dir(CWD, &path) {
            Ok(()) | Err(Errno::ENOENT) => return Ok(()),
            Err(Errno::EBUSY | Errno::ENOTEMPTY) => {}
            Err(errno) => return Err(refused(errno)),
        }
        let folder = match file::open_dir(&dir.path) {
            Err(Errno::ENOENT) => return Ok(()),
            folder => folder.map_err(refused)?,
        };
        match tree::remove_children(folder.borrow(), 0) {
            Ok(()) | Err(Errno::EBUSY) => {}
            Err(errno) => return Err(refused(errno)),
        }
        // Whoever is left has been told to end, or the last of them has ended and the kernel still counts it.
        if !wait::until_empty(folder.borrow(), dir.is_v2(), deadline).map_err(refused)? {
            return Err(still_used(dir, &tree::pids(folder.borrow()).map_err(refused)?));
        }
    }
}

fn still_used(dir: &Dir, pids: &[i32]) -> Error {
    let list: Vec<String> = pids.iter().take(5).map(ToString::to_string).collect();
    let message = match pids.len() {
        0 => format!("the cgroup \"{}\" stays in use though no process is seen in it", dir.path),
        n => format!("the cgroup \"{}\" still has {n} processes: {}", dir.path, list.join(", ")),
    };
    let mut error =
        Error::new(ErrorKind::KernelRefused, message).hint("end them, then delete the container again");
    error.errno = Some(Errno::EBUSY);
    error
}

/// Best effort: a parent that somebody else uses by now stays.
pub(super) fn remove_parents(dir: &Dir) {
    let mut path = dir.path.as_str();
    for _ in 0..dir.parents {
        let Some((parent, _)) = path.rsplit_once('/') else { return };
        path = parent;
        let gone = file::c_path(path).and_then(|path| fs::remove_dir(CWD, &path));
        if gone.is_err_and(|errno| errno != Errno::ENOENT) {
            return;
        }
    }
}
