// SPDX-License-Identifier: Apache-2.0
//! Files as the verbs need them: read whole, named absolutely; and descriptors 0, 1, 2, which are never left closed.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fd::{self, BorrowedFd, CWD, PollFd};
use estiba_sys::{Errno, Result, fs, process};

/// Opens the null device where the caller closed 0, 1 or 2: otherwise the next file that is opened becomes one of them,
/// and the container would inherit it.
pub fn fill_standard_descriptors() {
    const POLLNVAL: i16 = 0x20;
    let mut set = [0, 1, 2].map(|fd| PollFd { fd, events: 0, revents: 0 });
    if fd::poll(&mut set, 0) == Ok(0) {
        return;
    }
    for _ in set.iter().filter(|entry| entry.revents & POLLNVAL != 0) {
        // The lowest free number is the one that is closed.
        if let Ok(null) = fs::open(CWD, c"/dev/null", fs::O_RDWR, 0) {
            let _ = fd::set_close_on_exec(null.borrow(), false);
            null.release();
        }
    }
}

/// More than a config may have here; whether it is too long for all is Python's to say.
const LONGEST: usize = 1 << 24;

/// The whole of a file.
pub fn read(path: &str) -> Result<Vec<u8>> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    let file = fs::open(CWD, &path, fs::O_RDONLY, 0)?;
    let size = (fs::status(file.borrow())?.size as usize).min(LONGEST);
    let mut text = alloc::vec![0; size + 1]; // one more: a file that has grown shows in the same call
    let mut filled = 0;
    loop {
        let n = fd::read(file.borrow(), text.get_mut(filled..).unwrap_or_default())?;
        filled += n;
        // A regular file with its size; what has none (a pipe) ends with nothing more.
        if n == 0 || size > 0 && filled == size {
            text.truncate(filled);
            return Ok(text);
        }
        if filled > LONGEST {
            return Err(Errno::EFBIG);
        }
        if filled == text.len() {
            text.resize(filled * 2, 0);
        }
    }
}

/// Adds `text` to the end of a file, which is made if it is absent. Without waiting for who might read a FIFO.
pub fn append(path: &str, text: &str) -> Result<()> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_APPEND | fs::O_NONBLOCK;
    let file = fs::open(CWD, &path, flags, 0o644)?;
    fd::write_all(file.borrow(), text.as_bytes())
}

/// The path from "/" on. Symbolic links and ".." stay: what they mean is the kernel's to say.
pub fn absolute(path: &str) -> Result<String> {
    if path.starts_with('/') {
        return Ok(path.to_string());
    }
    let mut buffer = [0; 4096];
    let here = core::str::from_utf8(process::working_directory(&mut buffer)?).map_err(|_| Errno::EINVAL)?;
    Ok(match path {
        "" | "." => here.to_string(),
        _ => format!("{}/{path}", here.trim_end_matches('/')),
    })
}

/// Writes to a standard descriptor.
pub fn print(to: i32, text: &str) -> Result<()> {
    fd::write_all(BorrowedFd::numbered(to), text.as_bytes())
}
