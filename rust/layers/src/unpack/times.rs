// SPDX-License-Identifier: Apache-2.0
//! What folders get when all else is done: their times, which each new name in them changes; modes that would keep
//! their own maker out; ACLs for what is created in them.

use crate::folders::{Folder, Folders, split};
use crate::unpack::place::open_folder;
use crate::{Error, Result, error::Quoted, folders::c_string};
use estiba_sys::inode::Time;
use estiba_sys::{Errno, fs, inode, xattr};
use std::collections::HashMap;
use std::rc::Rc;

#[derive(Default)]
pub struct Times {
    /// By device and inode: two paths may lead to one folder, the last entry counts.
    folders: HashMap<(u64, u64), Later>,
}

struct Later {
    path: Vec<u8>,
    time: Time,
    more: Option<Rest>,
}

/// Beside the time, where it matters.
pub struct Rest {
    pub mode: u32,
    pub default_acl: Option<Vec<u8>>,
}

impl Times {
    pub fn later(&mut self, identity: (u64, u64), path: &[u8], time: Time, more: Option<Rest>) {
        self.folders.insert(identity, Later { path: path.to_vec(), time, more });
    }

    /// Sets them, folder by folder. What is at a path now may be another thing than was there: it is left alone.
    pub fn set(self, folders: &mut Folders<'_>) -> Result<()> {
        let mut all: Vec<_> = self.folders.into_iter().collect();
        all.sort_unstable_by(|(_, a), (_, b)| a.path.cmp(&b.path));
        for (identity, later) in all {
            let (above, base) = split(&later.path);
            let base = if later.path.is_empty() { b".".as_slice() } else { base };
            match folders.open(above) {
                Ok(folder) => set_one(&folder, base, identity, &later),
                Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP) => continue,
                Err(errno) => Err(errno),
            }
            .map_err(|errno| {
                Error::refused(format_args!("finish the layer's folder {}", Quoted(&later.path)), errno)
            })?;
        }
        Ok(())
    }
}

fn set_one(folder: &Rc<Folder>, base: &[u8], identity: (u64, u64), later: &Later) -> Result<(), Errno> {
    let name = c_string(base)?;
    match inode::details_at(folder.at(), &name) {
        Ok(now) if (now.device, now.inode) == identity => {}
        Ok(_) | Err(Errno::ENOENT) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    if let Some(rest) = &later.more {
        let fd = open_folder(folder.at(), &name)?;
        if let Some(acl) = &rest.default_acl {
            xattr::set(fd.borrow(), c"system.posix_acl_default", acl)?;
        }
        fs::change_mode(fd.borrow(), rest.mode)?;
    }
    inode::set_modified_at(folder.at(), &name, later.time)
}
