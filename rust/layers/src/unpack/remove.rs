// SPDX-License-Identifier: Apache-2.0
//! Taking away what is there: a file, or a folder with all in it, however deep.
//!
//! A tree is walked with one folder open at a time, each reached from the top by the kernel without following any
//! link, so that neither depth nor a link that somebody puts there does harm.

use super::place::{Place, Tree, open_folder};
use crate::folders::{Folders, Links, join};
use estiba_sys::fs::{S_IFDIR, S_IFLNK, S_IFMT};
use estiba_sys::{Errno, fs, inode};
use std::ffi::{CStr, CString};

impl Tree<'_> {
    /// Removes whatever is at a place, if anything is.
    pub fn clear(&mut self, place: &Place) -> Result<(), Errno> {
        let there = match place.details() {
            Err(Errno::ENOENT) => return Ok(()),
            there => there?,
        };
        match there.mode & S_IFMT {
            S_IFDIR => {
                self.folders.forget();
                self.remove_tree(place)
            }
            S_IFLNK => {
                self.folders.forget();
                fs::remove_file(place.at(), &place.name)
            }
            _ => fs::remove_file(place.at(), &place.name),
        }
    }

    fn remove_tree(&mut self, place: &Place) -> Result<(), Errno> {
        let top = open_folder(place.at(), &place.name)?;
        empty(&top, &mut |_, _| true)?;
        fs::remove_dir(place.at(), &place.name)
    }
}

/// Removes what is below `top` and what `goes` says of, by its folder's identity and its name. Folders that keep
/// something stay.
pub fn empty(
    top: &estiba_sys::OwnedFd,
    goes: &mut dyn FnMut((u64, u64), &CStr) -> bool,
) -> Result<(), Errno> {
    let mut folders = Folders::new(top.borrow(), Links::Refused);
    // Folders that are to be looked into, and, marked, those whose content has been.
    let mut stack = vec![(Vec::new(), false)];
    while let Some((path, was_emptied)) = stack.pop() {
        if was_emptied {
            let (above, base) = crate::folders::split(&path);
            let folder = folders.open(above)?;
            folders.forget();
            match fs::remove_dir(folder.at(), &crate::folders::c_string(base)?) {
                Err(Errno::ENOTEMPTY) => {}
                done => done?,
            }
            continue;
        }
        let folder = folders.open(&path)?;
        let mut names: Vec<CString> = Vec::new();
        fs::list_dir(folder.at(), &mut |name| names.push(name.to_owned()))?;
        for name in names {
            let is_folder = inode::details_at(folder.at(), &name)?.mode & S_IFMT == S_IFDIR;
            let goes = goes(folder.identity, &name);
            if is_folder {
                let below = join(&path, name.to_bytes());
                if goes {
                    stack.push((below.clone(), true));
                }
                stack.push((below, false));
            } else if goes {
                fs::remove_file(folder.at(), &name)?;
            }
        }
    }
    Ok(())
}
