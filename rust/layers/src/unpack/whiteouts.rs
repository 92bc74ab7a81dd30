// SPDX-License-Identifier: Apache-2.0
//! Whiteouts: in overlay form marks of overlayfs, in plain form removals. Either way they hide what is below this
//! layer and nothing of it, wherever among its entries they stand (image-spec, layer.md, "Whiteouts").

use super::Form;
use super::place::{Place, Tree, open_folder};
use super::remove::empty;
use crate::folders::c_string;
use crate::whiteout::{is_overlay_whiteout, opaque_attribute};
use crate::{Error, Result};
use estiba_sys::fs::{S_IFCHR, S_IFDIR, S_IFMT};
use estiba_sys::{BorrowedFd, Errno, fs, xattr};
use std::ffi::CStr;

impl Tree<'_> {
    /// Hides the name `hidden` beside the entry at `place`.
    pub fn hide(&mut self, place: &Place, hidden: &[u8]) -> Result<()> {
        let fail = |errno| Error::by_entry("hide what is below", errno);
        let name = c_string(hidden).map_err(fail)?;
        let target =
            Place { folder: place.folder.clone(), path: place.path.clone(), base: hidden.to_vec(), name };
        match self.form {
            Form::Overlay => self.put_whiteout(&target),
            Form::Plain => self.take_away(&target),
        }
        .map_err(fail)
    }

    /// What this layer has at the name hides it anyway; but a folder must be told to.
    fn put_whiteout(&mut self, target: &Place) -> Result<(), Errno> {
        match fs::make_node(target.at(), &target.name, S_IFCHR, 0) {
            Err(Errno::EEXIST) if target.details()?.mode & S_IFMT == S_IFDIR => {
                let folder = open_folder(target.at(), &target.name)?;
                xattr::set(folder.borrow(), opaque_attribute(self.rootless), b"y")
            }
            Err(Errno::EEXIST) => Ok(()),
            done => done,
        }
    }

    fn take_away(&mut self, target: &Place) -> Result<(), Errno> {
        if !self.own.contains(&(target.folder.identity, target.base.clone())) {
            return self.clear(target);
        }
        match target.details() {
            Ok(there) if there.mode & S_IFMT == S_IFDIR => self.take_away_in(target.at(), &target.name),
            Ok(_) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Hides all that is below the folder that `place` lies in.
    pub fn hide_all(&mut self, place: &Place) -> Result<()> {
        match self.form {
            Form::Overlay => xattr::set(place.at(), opaque_attribute(self.rootless), b"y"),
            Form::Plain => self.take_away_in(place.at(), c"."),
        }
        .map_err(|errno| Error::by_entry("hide what is below the folder", errno))
    }

    fn take_away_in(&mut self, at: BorrowedFd<'_>, name: &CStr) -> Result<(), Errno> {
        let top = open_folder(at, name)?;
        self.folders.forget();
        let own = &self.own;
        empty(&top, &mut |folder, name| !own.contains(&(folder, name.to_bytes().to_vec())))
    }

    /// Whether an entry is a device that overlayfs would take for a whiteout.
    pub fn is_forged(&self, mode: u32, node: u64) -> bool {
        self.form == Form::Overlay && is_overlay_whiteout(mode, node)
    }
}
