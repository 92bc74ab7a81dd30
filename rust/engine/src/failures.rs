// SPDX-License-Identifier: Apache-2.0
//! A note of each failed start for `why`: ROOT/.failures, the newest hundred, each of bounded size. estiba.lifecycle
//! reads them.

use crate::error::{Error, one_line};
use crate::{clock, state};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::fd::{self, CWD};
use estiba_sys::{Errno, fs};
use serde::Serialize;

const KEPT: usize = 100;
const LONGEST_MESSAGE: usize = 4096;

/// How far a start came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Nothing was made: the config, the seccomp profile, the place of the cgroup.
    Plan,
    /// From the cgroup to the birth of init.
    Cgroup,
    /// Init's steps, up to the gate.
    Init,
    /// In a hook, whoever runs it.
    Hook,
    /// After the gate.
    Start,
}

/// Which start it was.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Failed<'a> {
    pub verb: &'a str,
    pub phase: Phase,
    pub bundle: Option<&'a str>,
    /// As in state::Record.
    pub config: Option<&'a str>,
}

#[derive(Serialize)]
struct Note<'a> {
    time: &'a str,
    id: &'a str,
    #[serde(flatten)]
    failed: &'a Failed<'a>,
    /// Of init: which one, of how many.
    step: Option<(u32, u32)>,
    kind: &'a str,
    document: &'a str,
    message: String,
    pointer: Option<&'a str>,
    errno: Option<u16>,
    hint: Option<&'a str>,
}

/// Best effort: the failure itself is what the caller must hear.
pub fn note(root: &str, id: &str, failed: &Failed<'_>, error: &Error) {
    let _ = try_note(root, id, failed, error);
}

fn try_note(root: &str, id: &str, failed: &Failed<'_>, error: &Error) -> Result<(), Errno> {
    state::check_id(id).map_err(|_| Errno::EINVAL)?; // it becomes a file's name
    let time = clock::now();
    let note = Note {
        time: &time,
        id,
        failed,
        step: error.step,
        kind: error.kind.name(),
        document: error.document,
        message: one_line(&error.message).chars().take(LONGEST_MESSAGE).collect(),
        pointer: error.pointer.as_deref(),
        errno: error.errno.map(|errno| errno.0),
        hint: error.hint.as_deref(),
    };
    let text = serde_json::to_vec(&note).map_err(|_| Errno::EINVAL)?;
    state::make_root(root).map_err(|error| error.errno.unwrap_or(Errno::EINVAL))?;
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
    drop_oldest(folder.borrow())
}

fn drop_oldest(folder: fd::BorrowedFd<'_>) -> Result<(), Errno> {
    let mut names = Vec::new();
    fs::list_dir(folder, &mut |name| names.push(CString::from(name)))?;
    names.sort();
    let extra = names.len().saturating_sub(KEPT);
    for old in names.iter().take(extra) {
        match fs::remove_file(folder, old) {
            Ok(()) | Err(Errno::ENOENT) => {} // somebody else who failed just now
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
