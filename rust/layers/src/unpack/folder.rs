// SPDX-License-Identifier: Apache-2.0
//! Entries that are folders: made, or the one that is there given a new look.

use super::place::{Place, Tree};
use super::times::Rest;
use crate::attributes::DEFAULT_ACL;
use crate::folders::Folder;
use crate::tar::Entry;
use crate::{Error, Result};
use estiba_sys::{Errno, OwnedFd, fs, inode};

impl Tree<'_> {
    pub fn folder(&mut self, path: &[u8], place: &Place, entry: &Entry) -> Result<()> {
        let made = match self.make_folder(place) {
            Err(Errno::EEXIST) => self.clear(place).and_then(|()| self.make_folder(place)),
            made => made,
        };
        let (fd, _) = made.map_err(|errno| Error::by_entry("make the folder", errno))?;
        self.furnish(path, &fd, entry)
    }

    /// The target itself.
    pub fn root(&mut self, entry: &Entry) -> Result<()> {
        let fail = |errno| Error::refused("open the root", errno);
        let root = self.folders.open(b"").map_err(fail)?;
        let Folder { fd, .. } = &*root;
        self.furnish(b"", fd, entry)
    }

    fn furnish(&mut self, path: &[u8], fd: &OwnedFd, entry: &Entry) -> Result<()> {
        let fail = |errno| Error::by_entry("set what it looks like", errno);
        self.own(fd.borrow(), c"", entry).map_err(fail)?;
        self.attributes(fd.borrow(), entry, true)?;
        // Who has no privileges must be able to write into it until the end.
        let keeps_out = self.rootless && entry.mode & 0o700 != 0o700;
        let now = if keeps_out { entry.mode | 0o700 } else { entry.mode };
        fs::change_mode(fd.borrow(), now).map_err(fail)?;
        let mut acls = entry.attributes.iter().filter(|(name, _)| name == DEFAULT_ACL);
        let default_acl = acls.next().map(|(_, value)| value.clone());
        let rest = (keeps_out || default_acl.is_some()).then_some(Rest { mode: entry.mode, default_acl });
        let details = inode::details_at(fd.borrow(), c"").map_err(fail)?;
        self.times.later((details.device, details.inode), path, entry.modified, rest);
        Ok(())
    }
}
