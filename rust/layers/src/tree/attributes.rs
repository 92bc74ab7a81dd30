// SPDX-License-Identifier: Apache-2.0
//! Extended attributes that belong to a file wherever it is: the user's own, file capabilities, and access lists where
//! the ids in them still mean something. Labels of the host's security modules and overlayfs's marks are not the file's.

use super::place::quoted;
use crate::error::{Error, Result};
use estiba_sys::fd::BorrowedFd;
use estiba_sys::{Errno, xattr};
use std::ffi::{CStr, CString};

/// Name and value, sorted by name.
pub type Attributes = Vec<(CString, Vec<u8>)>;

/// Reads them. Almost no file has any, and then this is one call.
pub fn read(file: BorrowedFd<'_>, path: &[u8], with_ids: bool) -> Result<Attributes> {
    let refused = |errno| Error::refused(format_args!("read the attributes of {}", quoted(path)), errno);
    let mut small = [0; 512];
    let mut large = Vec::new();
    let names = match xattr::list(file, &mut small) {
        Err(Errno::ERANGE) => {
            large.resize(xattr::LIST_MAX, 0);
            xattr::list(file, &mut large).map_err(refused)?
        }
        Err(Errno::EOPNOTSUPP) => return Ok(Vec::new()),
        names => names.map_err(refused)?,
    };
    let mut found = Vec::new();
    for name in names.split_inclusive(|byte| *byte == 0) {
        let Ok(name) = CStr::from_bytes_with_nul(name) else { continue };
        if is_kept(name.to_bytes(), with_ids) {
            let mut value = vec![0; xattr::VALUE_MAX];
            let length = xattr::get(file, name, &mut value).map_err(refused)?.len();
            value.truncate(length);
            found.push((name.to_owned(), value));
        }
    }
    found.sort();
    Ok(found)
}

pub fn write(file: BorrowedFd<'_>, path: &[u8], attributes: &Attributes) -> Result<()> {
    for (name, value) in attributes {
        xattr::set(file, name, value).map_err(|errno| {
            Error::refused(format_args!("set the attribute {name:?} of {}", quoted(path)), errno)
        })?;
    }
    Ok(())
}

fn is_kept(name: &[u8], with_ids: bool) -> bool {
    let is_list = name == b"system.posix_acl_access" || name == b"system.posix_acl_default";
    name == b"security.capability"
        || name.starts_with(b"user.") && !name.starts_with(b"user.overlay.")
        || with_ids && is_list
}
