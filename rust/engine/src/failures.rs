// SPDX-License-Identifier: Apache-2.0
//! A note of each failed start for `why`: ROOT/.failures, the newest hundred, each of bounded size.

use crate::clock;
use crate::error::Error;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::fd::{self, CWD};
use estiba_sys::{Errno, fs};
use serde::Serialize;

const KEPT: usize = 100;
const LONGEST_MESSAGE: usize = 4096;

#[derive(Serialize)]
struct Note<'a> {
    time: &'a str,
    id: &'a str,
    verb: &'a str,
    kind: &'a str,
    message: String,
    pointer: Option<&'a str>,
    errno: Option<u16>,
    hint: Option<&'a str>,
}

/// Best effort: the failure itself is what the caller must hear.
pub fn note(root: &str, id: &str, verb: &str, error: &Error) {
    let _ = try_note(root, id, verb, error);
}

fn try_note(root: &str, id: &str, verb: &str, error: &Error) -> Result<(), Errno> {
    let time = clock::now();
    let note = Note {
        time: &time,
        id,
        verb,
        kind: error.kind.name(),
        message: error.message.chars().take(LONGEST_MESSAGE).collect(),
        pointer: error.pointer.as_deref(),
        errno: error.errno.map(|errno| errno.0),
        hint: error.hint.as_deref(),
    };
    let text = serde_json::to_vec(&note).map_err(|_| Errno::EINVAL)?;
    let path = CString::new(format!("{root}/.failures")).map_err(|_| Errno::EINVAL)?;
    match fs::make_dir(CWD, &path, 0o700) {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(errno) => return Err(errno),
    }
    let folder = fs::open(CWD, &path, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)?;
    // Time first: sorted by name is sorted by age.
    let name = CString::new(format!("{time}-{id}.json")).map_err(|_| Errno::EINVAL)?;
    let file = fs::open(folder.borrow(), &name, fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL, 0o600)?;
    if let Err(errno) = fd::write_all(file.borrow(), &text) {
        let _ = fs::remove_file(folder.borrow(), &name);
        return Err(errno);
    }
    let mut names = Vec::new();
    fs::list_dir(folder.borrow(), &mut |name| names.push(CString::from(name)))?;
    names.sort();
    let extra = names.len().saturating_sub(KEPT);
    for old in names.iter().take(extra) {
        fs::remove_file(folder.borrow(), old)?;
    }
    Ok(())
}
