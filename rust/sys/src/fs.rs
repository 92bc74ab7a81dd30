// SPDX-License-Identifier: Apache-2.0
//! Files and folders, relative to a descriptor.

use crate::fd::{BorrowedFd, OwnedFd};
use crate::raw::retry;
use crate::{Errno, Result, nr, sc};
use core::ffi::CStr;

pub const O_RDONLY: i32 = 0;
pub const O_WRONLY: i32 = 1;
pub const O_RDWR: i32 = 2;
pub const O_CREAT: i32 = 0o100;
pub const O_EXCL: i32 = 0o200;
pub const O_NOCTTY: i32 = 0o400;
pub const O_TRUNC: i32 = 0o1000;
pub const O_APPEND: i32 = 0o2000;
pub const O_NONBLOCK: i32 = 0o4000;
pub const O_DIRECTORY: i32 = 0o200_000;
pub const O_NOFOLLOW: i32 = 0o400_000;
pub const O_CLOEXEC: i32 = 0o2_000_000;
pub const O_PATH: i32 = 0o10_000_000;

// openat2(2)
pub const RESOLVE_NO_XDEV: u64 = 1;
pub const RESOLVE_NO_MAGICLINKS: u64 = 2;
pub const RESOLVE_NO_SYMLINKS: u64 = 4;
pub const RESOLVE_BENEATH: u64 = 8;
pub const RESOLVE_IN_ROOT: u64 = 16;

pub const S_IFMT: u32 = 0o170_000;
pub const S_IFIFO: u32 = 0o010_000;
pub const S_IFCHR: u32 = 0o020_000;
pub const S_IFDIR: u32 = 0o040_000;
pub const S_IFBLK: u32 = 0o060_000;
pub const S_IFREG: u32 = 0o100_000;
pub const S_IFLNK: u32 = 0o120_000;
pub const S_IFSOCK: u32 = 0o140_000;

pub fn open(at: BorrowedFd<'_>, path: &CStr, flags: i32, mode: u32) -> Result<OwnedFd> {
    // SAFETY: `path` is a C string.
    retry(|| unsafe { sc!(nr::OPENAT, at.raw(), path.as_ptr(), flags | O_CLOEXEC, mode) })
        .map(|fd| OwnedFd::take(fd as i32))
}

/// openat2(2), Linux 5.6. EAGAIN (a rename raced with the walk) is tried again, a bounded number of times.
pub fn open_resolved(
    at: BorrowedFd<'_>,
    path: &CStr,
    flags: i32,
    mode: u32,
    resolve: u64,
) -> Result<OwnedFd> {
    let how: [u64; 3] = [(flags | O_CLOEXEC) as u64, u64::from(mode), resolve];
    let mut left = 64;
    loop {
        // SAFETY: `path` is a C string, `how` is a struct open_how of the given size.
        let opened = unsafe { sc!(nr::OPENAT2, at.raw(), path.as_ptr(), how.as_ptr(), size_of_val(&how)) };
        match opened {
            Err(Errno::EAGAIN) | Err(Errno::EINTR) if left > 0 => left -= 1,
            done => return done.map(|fd| OwnedFd::take(fd as i32)),
        }
    }
}

pub fn make_dir(at: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::MKDIRAT, at.raw(), path.as_ptr(), mode) }.map(drop)
}

pub fn make_node(at: BorrowedFd<'_>, path: &CStr, mode: u32, device: u64) -> Result<()> {
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::MKNODAT, at.raw(), path.as_ptr(), mode, device) }.map(drop)
}

pub fn make_symlink(target: &CStr, at: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    // SAFETY: both are C strings.
    unsafe { sc!(nr::SYMLINKAT, target.as_ptr(), at.raw(), path.as_ptr()) }.map(drop)
}

pub fn remove_file(at: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::UNLINKAT, at.raw(), path.as_ptr(), 0) }.map(drop)
}

pub fn remove_dir(at: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    const AT_REMOVEDIR: i32 = 0x200;
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::UNLINKAT, at.raw(), path.as_ptr(), AT_REMOVEDIR) }.map(drop)
}

pub fn rename(at: BorrowedFd<'_>, from: &CStr, to: &CStr) -> Result<()> {
    // SAFETY: both are C strings.
    unsafe { sc!(nr::RENAMEAT2, at.raw(), from.as_ptr(), at.raw(), to.as_ptr(), 0) }.map(drop)
}

/// Reads a symbolic link; returns the part of `buffer` that was filled.
pub fn read_link<'a>(at: BorrowedFd<'_>, path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8]> {
    // SAFETY: `path` is a C string, `buffer` is writable for its length.
    let n = unsafe { sc!(nr::READLINKAT, at.raw(), path.as_ptr(), buffer.as_mut_ptr(), buffer.len()) }?;
    buffer.get(..n).ok_or(Errno::EINVAL)
}

pub fn change_dir(path: &CStr) -> Result<()> {
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::CHDIR, path.as_ptr()) }.map(drop)
}

pub fn change_dir_to(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FCHDIR, fd.raw()) }.map(drop)
}

pub fn change_root(path: &CStr) -> Result<()> {
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::CHROOT, path.as_ptr()) }.map(drop)
}

pub fn change_mode(fd: BorrowedFd<'_>, mode: u32) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FCHMOD, fd.raw(), mode) }.map(drop)
}

pub fn change_mode_at(at: BorrowedFd<'_>, path: &CStr, mode: u32) -> Result<()> {
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::FCHMODAT, at.raw(), path.as_ptr(), mode) }.map(drop)
}

/// Changes the owner of `path` itself, never of what a link points at; an empty path means `at`.
pub fn change_owner_at(at: BorrowedFd<'_>, path: &CStr, uid: u32, gid: u32) -> Result<()> {
    const AT_SYMLINK_NOFOLLOW_AND_EMPTY_PATH: i32 = 0x100 | 0x1000;
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::FCHOWNAT, at.raw(), path.as_ptr(), uid, gid, AT_SYMLINK_NOFOLLOW_AND_EMPTY_PATH) }
        .map(drop)
}

/// faccessat2(2): `mode` is 1 (execute), 2 (write), 4 (read) or 0 (exists), by the effective ids.
pub fn check_access(at: BorrowedFd<'_>, path: &CStr, mode: i32) -> Result<()> {
    const AT_EACCESS: i32 = 0x200;
    const AT_EMPTY_PATH: i32 = 0x1000;
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::FACCESSAT2, at.raw(), path.as_ptr(), mode, AT_EACCESS | AT_EMPTY_PATH) }.map(drop)
}

/// What estiba asks of a file.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub size: u64,
    pub device: u64,
    pub inode: u64,
    /// Names of it; 0: removed, and open somewhere.
    pub links: u64,
    /// The device that a device node stands for.
    pub node: u64,
}

impl Status {
    pub fn is_file(&self) -> bool {
        self.mode & S_IFMT == S_IFREG
    }

    pub fn is_dir(&self) -> bool {
        self.mode & S_IFMT == S_IFDIR
    }
}

/// fstatat(2) of `path`, or of `at` itself when the path is empty; a last link is followed if `follow`.
pub fn status_at(at: BorrowedFd<'_>, path: &CStr, follow: bool) -> Result<Status> {
    stat_at(at, path, follow).map(|stat| status_of(&stat))
}

/// struct stat of x86_64: 144 bytes.
pub(crate) fn stat_at(at: BorrowedFd<'_>, path: &CStr, follow: bool) -> Result<[u64; 18]> {
    const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
    const AT_EMPTY_PATH: i32 = 0x1000;
    let flags = AT_EMPTY_PATH | if follow { 0 } else { AT_SYMLINK_NOFOLLOW };
    let mut stat = [0u64; 18];
    // SAFETY: `path` is a C string, `stat` has the size of struct stat.
    unsafe { sc!(nr::NEWFSTATAT, at.raw(), path.as_ptr(), stat.as_mut_ptr(), flags) }?;
    Ok(stat)
}

pub(crate) fn status_of(stat: &[u64; 18]) -> Status {
    Status {
        device: stat[0],
        inode: stat[1],
        links: stat[2],
        mode: stat[3] as u32,
        uid: (stat[3] >> 32) as u32,
        gid: stat[4] as u32,
        node: stat[5],
        size: stat[6],
    }
}

pub fn status(fd: BorrowedFd<'_>) -> Result<Status> {
    status_at(fd, c"", true)
}

pub const CGROUP2_SUPER_MAGIC: u64 = 0x6367_7270;
pub const PROC_SUPER_MAGIC: u64 = 0x9fa0;
pub const TMPFS_MAGIC: u64 = 0x0102_1994;
pub const PID_FS_MAGIC: u64 = 0x5049_4446;

/// The file system type of an open file (statfs(2), f_type).
pub fn filesystem_type(fd: BorrowedFd<'_>) -> Result<u64> {
    let mut statfs = [0u64; 15]; // struct statfs of x86_64: 120 bytes
    // SAFETY: `statfs` has the size of struct statfs.
    unsafe { sc!(nr::FSTATFS, fd.raw(), statfs.as_mut_ptr()) }?;
    Ok(statfs[0])
}

/// The file system type at `path`.
pub fn filesystem_type_at(path: &CStr) -> Result<u64> {
    let mut statfs = [0u64; 15];
    // SAFETY: `path` is a C string, `statfs` has the size of struct statfs.
    unsafe { sc!(nr::STATFS, path.as_ptr(), statfs.as_mut_ptr()) }?;
    Ok(statfs[0])
}

pub fn sync(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FSYNC, fd.raw()) }.map(drop)
}

pub fn truncate(fd: BorrowedFd<'_>, size: u64) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FTRUNCATE, fd.raw(), size) }.map(drop)
}

/// An exclusive flock(2). Without `wait`, EAGAIN tells that somebody holds it.
pub fn lock(fd: BorrowedFd<'_>, wait: bool) -> Result<()> {
    const LOCK_EX: i32 = 2;
    const LOCK_NB: i32 = 4;
    let how = if wait { LOCK_EX } else { LOCK_EX | LOCK_NB };
    // SAFETY: no pointers.
    retry(|| unsafe { sc!(nr::FLOCK, fd.raw(), how) }).map(drop)
}

pub fn unlock(fd: BorrowedFd<'_>) -> Result<()> {
    const LOCK_UN: i32 = 8;
    // SAFETY: no pointers.
    unsafe { sc!(nr::FLOCK, fd.raw(), LOCK_UN) }.map(drop)
}

/// Calls `each` with the name of every entry of an open folder but "." and "..".
pub fn list_dir(dir: BorrowedFd<'_>, each: &mut dyn FnMut(&CStr)) -> Result<()> {
    list_entries(dir, &mut |name, _| each(name))
}

/// The same for the folders in it alone, as the file system tells them (kernfs, ext4 and tmpfs do).
pub fn list_folders(dir: BorrowedFd<'_>, each: &mut dyn FnMut(&CStr)) -> Result<()> {
    const DT_DIR: u8 = 4;
    list_entries(dir, &mut |name, kind| {
        if kind == DT_DIR {
            each(name);
        }
    })
}

fn list_entries(dir: BorrowedFd<'_>, each: &mut dyn FnMut(&CStr, u8)) -> Result<()> {
    let mut buffer = [0u64; 256]; // struct linux_dirent64 wants eight-byte alignment
    loop {
        // SAFETY: `buffer` is writable for its size.
        let n = unsafe { sc!(nr::GETDENTS64, dir.raw(), buffer.as_mut_ptr(), size_of_val(&buffer)) }?;
        if n == 0 {
            return Ok(());
        }
        // SAFETY: the kernel wrote the first `n` bytes of `buffer`.
        let mut rest = unsafe { core::slice::from_raw_parts(buffer.as_ptr().cast::<u8>(), n) };
        while rest.len() > 19 {
            let length = usize::from(u16::from_ne_bytes([rest[16], rest[17]]));
            let Some(entry) = rest.get(19..length) else { return Err(Errno::EIO) };
            let name = CStr::from_bytes_until_nul(entry).map_err(|_| Errno::EIO)?;
            if name != c"." && name != c".." {
                each(name, rest[18]);
            }
            rest = rest.get(length..).unwrap_or(&[]);
        }
    }
}
