// SPDX-License-Identifier: Apache-2.0
//! What an open file or folder says of itself: the attributes that travel, the marks of overlayfs, the data.

use super::walk::changed;
use crate::attributes::travels;
use crate::folders::c_string;
use crate::stream::Outflow;
use crate::tar::BLOCK;
use crate::{Error, Result};
use estiba_sys::{BorrowedFd, Errno, OwnedFd, fd, xattr};

/// The extended attributes of a file or folder, sorted into what they mean here.
#[derive(Default)]
pub struct Look {
    /// Sorted by name.
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
    pub opaque: bool,
    /// Marks by which overlayfs takes content or a name from elsewhere.
    indirect: Option<String>,
}

impl Look {
    pub fn of(file: BorrowedFd<'_>, rootless: bool) -> Result<Look> {
        let fail = |errno| Error::refused("read its attributes", errno);
        let mut names = [0; 1024];
        let listed = match xattr::list(file, &mut names) {
            Ok(names) => names.to_vec(),
            Err(Errno::EOPNOTSUPP) => return Ok(Look::default()),
            Err(Errno::ERANGE) => {
                let mut names = vec![0; xattr::LIST_MAX];
                xattr::list(file, &mut names).map_err(fail)?.to_vec()
            }
            Err(errno) => return Err(fail(errno)),
        };
        let mut look = Look::default();
        let own: &[u8] = if rootless { b"user.overlay." } else { b"trusted.overlay." };
        for name in listed.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let mark = name.strip_prefix(own);
            if mark.is_none() && !travels(name) {
                continue;
            }
            let Some(value) = read(file, name).map_err(fail)? else { continue };
            match mark {
                Some(b"opaque") if value == b"y" => look.opaque = true,
                Some(mark @ (b"opaque" | b"redirect" | b"metacopy" | b"whiteout" | b"whiteouts")) => {
                    look.indirect = Some(String::from_utf8_lossy(mark).into_owned());
                }
                Some(_) => {} // bookkeeping: origin, impure, nlink, upper, uuid, protattr
                None => look.attributes.push((name.to_vec(), value)),
            }
        }
        look.attributes.sort_unstable();
        Ok(look)
    }

    /// Where overlayfs was mounted to take content or names from below (redirect_dir, metacopy), the upper folder
    /// alone does not say what is there.
    pub fn refuse_indirect(&self) -> Result<()> {
        match &self.indirect {
            None => Ok(()),
            Some(mark) => {
                Err(Error::invalid(format!("has overlayfs's mark \"{mark}\", which no layer can say"))
                    .hint("mount the overlay with redirect_dir=off,metacopy=off"))
            }
        }
    }
}

/// A value; none if it has just been removed.
fn read(file: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let name = c_string(name)?;
    let mut small = [0; 256];
    let mut large;
    let value = match xattr::get(file, &name, &mut small) {
        Err(Errno::ERANGE) => {
            large = vec![0; xattr::VALUE_MAX];
            xattr::get(file, &name, &mut large)
        }
        value => value,
    };
    match value {
        Ok(value) => Ok(Some(value.to_vec())),
        Err(Errno::ENODATA) => Ok(None),
        Err(errno) => Err(errno),
    }
}

/// Writes exactly the bytes that the header promised, and what pads them.
pub fn write_file(file: &OwnedFd, size: u64, flow: &mut Outflow<'_>) -> Result<()> {
    let mut left = size;
    while left > 0 {
        let room = flow.room(usize::try_from(left).unwrap_or(usize::MAX))?;
        let count = fd::read(file.borrow(), room).map_err(|errno| Error::refused("read it", errno))?;
        if count == 0 {
            return Err(changed());
        }
        flow.filled(count);
        left -= count as u64;
    }
    flow.zeros(size.wrapping_neg() % BLOCK as u64)
}
