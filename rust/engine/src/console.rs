// SPDX-License-Identifier: Apache-2.0
//! What callers hand to a start and get back: the console socket and the pid file.

use crate::error::{Error, ErrorKind, Result};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::ToString;
use estiba_sys::fd::{self, CWD, OwnedFd};
use estiba_sys::{Errno, fs, socket};

/// Connects to the caller's console socket.
pub fn connect(path: &str) -> Result<OwnedFd> {
    let refused = |errno| {
        Error::refused(format!("connect to the console socket {path:?}"), errno)
            .hint("the caller listens on it before the start")
    };
    connect_stream(path).map_err(refused)
}

/// Connects to a stream socket. A path too long for a socket address is reached by its folder's descriptor.
pub fn connect_stream(path: &str) -> core::result::Result<OwnedFd, Errno> {
    match socket::connect(path.as_bytes()) {
        Err(Errno::ENAMETOOLONG) => {
            let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
            let folder = CString::new(folder).map_err(|_| Errno::EINVAL)?;
            let folder = fs::open(CWD, &folder, fs::O_PATH | fs::O_DIRECTORY, 0)?;
            socket::connect(format!("/proc/self/fd/{}/{name}", folder.raw()).as_bytes())
        }
        connected => connected,
    }
}

/// Digits and nothing else, as callers read the file whole; by rename, as they may be watching. What is no file, such as
/// /dev/stdout, is written to and not replaced.
pub fn write_pid_file(path: &str, pid: i32) -> Result<()> {
    let refused = |errno| Error::refused(format!("write the pid file {path:?}"), errno);
    let name = |path: &str| {
        CString::new(path)
            .map_err(|_| Error::new(ErrorKind::ConfigInvalid, "the pid file's path holds a NUL character"))
    };
    let (target, temporary) = (name(path)?, name(&format!("{path}.estiba-{pid}"))?);
    if fs::status_at(CWD, &target, true).is_ok_and(|status| !status.is_file() && !status.is_dir()) {
        let device = fs::open(CWD, &target, fs::O_WRONLY | fs::O_NONBLOCK, 0).map_err(refused)?;
        return fd::write_all(device.borrow(), pid.to_string().as_bytes()).map_err(refused);
    }
    let file = fs::open(CWD, &temporary, fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL, 0o644).map_err(refused)?;
    let written = fd::write_all(file.borrow(), pid.to_string().as_bytes())
        .and_then(|()| fs::rename(CWD, &temporary, &target));
    written.map_err(|errno| {
        let _ = fs::remove_file(CWD, &temporary);
        refused(errno)
    })
}
