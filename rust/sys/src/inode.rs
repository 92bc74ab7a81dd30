// SPDX-License-Identifier: Apache-2.0
//! Inodes: all that stat(2) tells of one, its times, and further names for it.

use crate::fd::{BorrowedFd, OwnedFd};
use crate::fs::{O_DIRECTORY, O_NOFOLLOW, O_PATH};
use crate::{Errno, Result, fs, nr, sc};
use core::ffi::CStr;

const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
const AT_EMPTY_PATH: i32 = 0x1000;

/// A point in time: seconds since 1970 and nanoseconds (0 to 999,999,999) after them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: i64,
}

/// All of an inode that an archive may want.
#[derive(Clone, Copy, Debug)]
pub struct Details {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    /// Units of 512 bytes that the file system holds for it.
    pub blocks: u64,
    pub device: u64,
    pub inode: u64,
    pub names: u64,
    /// The device that a device node stands for.
    pub node: u64,
    pub modified: Time,
}

/// fstatat(2) of `path` itself, never of what a link points at; an empty path means `at`.
pub fn details_at(at: BorrowedFd<'_>, path: &CStr) -> Result<Details> {
    let stat = fs::stat_at(at, path, false)?;
    let fs::Status { mode, uid, gid, size, device, inode, links, node } = fs::status_of(&stat);
    let modified = Time { seconds: stat[11] as i64, nanoseconds: stat[12] as i64 };
    Ok(Details { mode, uid, gid, size, blocks: stat[8], device, inode, names: links, node, modified })
}

/// Sets the time of the last change of `path` itself, an empty path meaning `at`; that of the last access stays.
pub fn set_modified_at(at: BorrowedFd<'_>, path: &CStr, time: Time) -> Result<()> {
    const UTIME_OMIT: i64 = (1 << 30) - 2;
    let times = [Time { seconds: 0, nanoseconds: UTIME_OMIT }, time];
    let flags = AT_SYMLINK_NOFOLLOW | if path.is_empty() { AT_EMPTY_PATH } else { 0 };
    // SAFETY: `path` is a C string, `times` are two struct timespec.
    unsafe { sc!(nr::UTIMENSAT, at.raw(), path.as_ptr(), times.as_ptr(), flags) }.map(drop)
}

/// linkat(2) without following: a hard link to a symbolic link is one.
pub fn link(from: BorrowedFd<'_>, old: &CStr, to: BorrowedFd<'_>, new: &CStr) -> Result<()> {
    // SAFETY: both are C strings.
    unsafe { sc!(nr::LINKAT, from.raw(), old.as_ptr(), to.raw(), new.as_ptr(), 0) }.map(drop)
}

/// Opens `path` itself as a place: no access to what it holds, never what a link points at.
pub fn hold(at: BorrowedFd<'_>, path: &CStr, only_dir: bool) -> Result<OwnedFd> {
    fs::open(at, path, O_PATH | O_NOFOLLOW | if only_dir { O_DIRECTORY } else { 0 }, 0)
}

/// Changes the mode of `path` itself (fchmodat2(2), Linux 6.6). Of a link: EOPNOTSUPP.
pub fn change_mode_of(at: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    // SAFETY: `path` is a C string.
    match unsafe { sc!(nr::FCHMODAT2, at.raw(), path.as_ptr(), mode, AT_SYMLINK_NOFOLLOW) } {
        Err(Errno::ENOSYS) => change_mode_by_proc(at, path, mode),
        done => done.map(drop),
    }
}

/// The same where the kernel is older: by the name that /proc has for an open place.
fn change_mode_by_proc(at: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    let place = hold(at, path, false)?;
    if details_at(place.borrow(), c"")?.mode & fs::S_IFMT == fs::S_IFLNK {
        return Err(Errno::EOPNOTSUPP);
    }
    fs::change_mode_at(crate::fd::CWD, ProcName::of(place.borrow()).as_c_str(), mode)
}

/// "/proc/self/fd/N".
struct ProcName([u8; 32]);

impl ProcName {
    fn of(fd: BorrowedFd<'_>) -> ProcName {
        let mut name = [0u8; 32];
        let prefix = b"/proc/self/fd/";
        name[..prefix.len()].copy_from_slice(prefix);
        let (mut number, mut digits, mut n) = (fd.raw().unsigned_abs(), [0u8; 10], 0);
        loop {
            digits[n] = b'0' + (number % 10) as u8;
            (number, n) = (number / 10, n + 1);
            if number == 0 {
                break;
            }
        }
        for (at, digit) in digits[..n].iter().rev().enumerate() {
            name[prefix.len() + at] = *digit;
        }
        ProcName(name)
    }

    fn as_c_str(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or(c"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_in_proc_has_the_number() {
        assert_eq!(ProcName::of(BorrowedFd::numbered(0)).as_c_str(), c"/proc/self/fd/0");
        assert_eq!(ProcName::of(BorrowedFd::numbered(1024)).as_c_str(), c"/proc/self/fd/1024");
    }

    #[test]
    fn the_mode_of_a_link_is_refused_and_not_its_targets() {
        let tmp = fs::open(crate::fd::CWD, c"/tmp", O_DIRECTORY, 0).unwrap();
        let name = c"estiba-sys-inode-test-link";
        let _ = fs::remove_file(tmp.borrow(), name);
        fs::make_symlink(c"/dev/null", tmp.borrow(), name).unwrap();
        assert_eq!(change_mode_of(tmp.borrow(), name, 0o600), Err(Errno::EOPNOTSUPP));
        assert_eq!(change_mode_by_proc(tmp.borrow(), name, 0o600), Err(Errno::EOPNOTSUPP));
        fs::remove_file(tmp.borrow(), name).unwrap();
    }
}
