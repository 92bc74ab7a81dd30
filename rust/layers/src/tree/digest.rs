// SPDX-License-Identifier: Apache-2.0
//! What a tree is, as one SHA-256: names, kinds, modes, owners, attributes, link targets and content, but no times.
//! Equal digests are equal copies; the order in which the threads came by does not count.

use super::attributes;
use super::place::quoted;
use super::source::Source;
use super::walk::{BUFFER, Entered, Entry, Visitor, walk};
use crate::error::{Error, Result};
use estiba_sys::fd::{self, BorrowedFd, OwnedFd};
use estiba_sys::fs;
use estiba_sys::inode::Details;
use sha2::{Digest as _, Sha256};
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

/// Digests what `source` names. Without `ids` owners do not count, nor access lists.
pub fn digest(source: &Source<'_>, ids: bool, threads: usize) -> Result<String> {
    let found = source.open()?;
    let digesting = Digesting { ids, records: Mutex::default() };
    if found.details.mode & fs::S_IFMT == fs::S_IFDIR {
        let top = fs::open(found.fd.borrow(), c".", fs::O_RDONLY | fs::O_DIRECTORY, 0)
            .map_err(|errno| Error::refused(format_args!("open {}", quoted(source.path)), errno))?;
        walk(&digesting, &found, top, threads)?;
    } else {
        digesting.alone(source.path, &found.fd, &found.details)?;
    }
    Ok(digesting.finish())
}

struct Digesting {
    ids: bool,
    records: Mutex<Vec<(Vec<u8>, [u8; 32])>>,
}

impl Visitor for Digesting {
    type State = ();

    fn folder(&self, folder: &Entered<'_, ()>) -> Result<()> {
        let mut hash = self.begin(folder.details);
        self.attributes(&mut hash, folder.source.borrow(), folder.path)?;
        self.record(folder.path, hash);
        Ok(())
    }

    fn file(&self, entry: &Entry<'_, ()>, source: &OwnedFd, buffer: &mut [u8]) -> Result<()> {
        self.file_at(entry.path, source, entry.details, buffer)
    }

    fn other(&self, entry: &Entry<'_, ()>) -> Result<()> {
        let mut hash = self.begin(entry.details);
        if entry.details.mode & fs::S_IFMT == fs::S_IFLNK {
            let mut buffer = vec![0; 4096];
            let target =
                fs::read_link(entry.source_folder.borrow(), entry.name, &mut buffer).map_err(|errno| {
                    Error::refused(format_args!("read the link {}", quoted(entry.path)), errno)
                })?;
            hash.update(target);
        }
        self.record(entry.path, hash);
        Ok(())
    }

    fn linked(&self, entry: &Entry<'_, ()>, first: &Entry<'_, ()>) -> Result<()> {
        let mut hash = Sha256::new();
        hash.update(b"another name of ");
        hash.update(first.path);
        self.record(entry.path, hash);
        Ok(())
    }
}

impl Digesting {
    fn alone(&self, path: &[u8], source: &OwnedFd, details: &Details) -> Result<()> {
        let refused = |errno| Error::refused(format_args!("read {}", quoted(path)), errno);
        if details.mode & fs::S_IFMT != fs::S_IFREG {
            self.record(b"", self.begin(details));
            return Ok(());
        }
        let by_number = std::ffi::CString::new(format!("/proc/self/fd/{}", source.raw())).unwrap_or_default();
        let opened = fs::open(fd::CWD, &by_number, fs::O_RDONLY | fs::O_NOCTTY, 0).map_err(refused)?;
        self.file_at(b"", &opened, details, &mut vec![0; BUFFER])
    }

    fn file_at(&self, path: &[u8], source: &OwnedFd, details: &Details, buffer: &mut [u8]) -> Result<()> {
        let mut hash = self.begin(details);
        self.attributes(&mut hash, source.borrow(), path)?;
        loop {
            let n = fd::read(source.borrow(), buffer)
                .map_err(|errno| Error::refused(format_args!("read {}", quoted(path)), errno))?;
            hash.update(&buffer[..n]);
            if n < buffer.len() {
                break; // a regular file gives less only at its end
            }
        }
        self.record(path, hash);
        Ok(())
    }

    fn begin(&self, details: &Details) -> Sha256 {
        let mut text = String::with_capacity(64);
        let _ = write!(text, "{:o} ", details.mode);
        if self.ids {
            let _ = write!(text, "{} {} ", details.uid, details.gid);
        }
        let kind = details.mode & fs::S_IFMT;
        if kind == fs::S_IFCHR || kind == fs::S_IFBLK {
            let _ = write!(text, "{} ", details.node);
        }
        let mut hash = Sha256::new();
        hash.update(text.as_bytes());
        hash
    }

    fn attributes(&self, hash: &mut Sha256, file: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
        for (name, value) in attributes::read(file, path, self.ids)? {
            hash.update(name.as_bytes_with_nul());
            hash.update((value.len() as u64).to_le_bytes());
            hash.update(&value);
        }
        hash.update(b"\n"); // no name of an attribute begins with it
        Ok(())
    }

    fn record(&self, path: &[u8], hash: Sha256) {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.push((path.to_vec(), hash.finalize().into()));
    }

    fn finish(self) -> String {
        let mut records = self.records.into_inner().unwrap_or_else(PoisonError::into_inner);
        records.sort_unstable();
        let mut all = Sha256::new();
        for (path, hash) in records {
            all.update(&path);
            all.update([0]);
            all.update(hash);
        }
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in all.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
