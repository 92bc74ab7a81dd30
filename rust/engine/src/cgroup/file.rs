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

pub fn read(at: BorrowedFd<'_>, path: &str) -> Result<String> {
    read_open(open(at, path, fs::O_RDONLY)?.borrow())
}

pub fn read_path(path: &str) -> Result<String> {
    read(CWD, path)
}

/// What is left of an open file. Bytes that are no text are marked, not lost.
pub fn read_open(file: BorrowedFd<'_>) -> Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0u8; 4096];
    loop {
        match fd::read(file, &mut buffer)? {
            0 => break,
            n => bytes.extend_from_slice(&buffer[..n]),
        }
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}
