// SPDX-License-Identifier: Apache-2.0
//! Small kernel files: one read, one write, each value in one system call as cgroup files want it.

use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::fd::{self, BorrowedFd, CWD, OwnedFd};
use estiba_sys::{Errno, Result, fs};

/// `path` for the kernel; a NUL in it makes it a name that cannot be.
pub fn c_path(path: &str) -> Result<CString> {
    CString::new(path).map_err(|_| Errno::EINVAL)
}

pub fn open(at: BorrowedFd<'_>, path: &str, flags: i32) -> Result<OwnedFd> {
    fs::open(at, &c_path(path)?, flags, 0)
}

/// A folder, to hold and to work below.
pub fn open_dir(path: &str) -> Result<OwnedFd> {
    open(CWD, path, fs::O_RDONLY | fs::O_DIRECTORY)
}

pub fn read(at: BorrowedFd<'_>, path: &str) -> Result<String> {
    read_open(open(at, path, fs::O_RDONLY)?.borrow())
}

pub fn read_path(path: &str) -> Result<String> {
    read(CWD, path)
}

/// What is left of an open file. Bytes that are no text are marked, not lost.
pub fn read_open(file: BorrowedFd<'_>) -> Result<String> {
    read_bytes(file).map(text_of)
}

fn text_of(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

pub fn read_bytes(file: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        match fd::read(file, &mut buffer)? {
            0 => return Ok(bytes),
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// A kernel file that fits into one read, which every such file of a few lines does: no second call for its end.
pub fn read_once(at: BorrowedFd<'_>, path: &str) -> Result<String> {
    let file = open(at, path, fs::O_RDONLY)?;
    let mut buffer = [0u8; 4096];
    let n = fd::read(file.borrow(), &mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..n]).into_owned())
}

/// A regular file, where a read that is not filled has met the end: unlike in the kernel's own files.
pub fn read_regular(at: BorrowedFd<'_>, path: &str) -> Result<String> {
    let file = open(at, path, fs::O_RDONLY)?;
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        let n = fd::read(file.borrow(), &mut buffer)?;
        bytes.extend_from_slice(&buffer[..n]);
        if n < buffer.len() {
            return Ok(text_of(bytes));
        }
    }
}

/// The whole of an open file, wherever its position stands.
pub fn read_from_start(file: BorrowedFd<'_>) -> Result<String> {
    fd::rewind(file)?;
    read_open(file)
}

pub fn write(at: BorrowedFd<'_>, path: &str, text: &str) -> Result<()> {
    let file = open(at, path, fs::O_WRONLY)?;
    fd::write(file.borrow(), text.as_bytes()).map(drop)
}

pub fn write_path(path: &str, text: &str) -> Result<()> {
    write(CWD, path, text)
}
