// SPDX-License-Identifier: Apache-2.0
//! Sealed memfds and mappings.

use crate::fd::{BorrowedFd, OwnedFd, write_all};
use crate::{Errno, Result, fs, nr, sc};
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, AtomicU64};

const MFD_CLOEXEC: usize = 1;
const MFD_ALLOW_SEALING: usize = 2;
const MFD_NOEXEC_SEAL: usize = 8; // Linux 6.3
const MFD_EXEC: usize = 16; // Linux 6.3
const F_ADD_SEALS: i32 = 1033;
const SEAL_ALL_BUT_EXEC: i32 = 0xf; // F_SEAL_SEAL, SHRINK, GROW, WRITE

/// A memfd that can be sealed later by `seal`.
pub fn memfd(name: &CStr, executable: bool) -> Result<OwnedFd> {
    let kind = if executable { MFD_EXEC } else { MFD_NOEXEC_SEAL };
    let make = |flags: usize| {
        // SAFETY: `name` is a C string.
        unsafe { sc!(nr::MEMFD_CREATE, name.as_ptr(), MFD_CLOEXEC | MFD_ALLOW_SEALING | flags) }
    };
    let fd = match make(kind) {
        Err(Errno::EINVAL) => make(0), // older than Linux 6.3: the two kinds are unknown
        made => made,
    }?;
    Ok(OwnedFd::take(fd as i32))
}

/// No more writing, growing, shrinking or unsealing.
pub fn seal(fd: BorrowedFd<'_>) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::FCNTL, fd.raw(), F_ADD_SEALS, SEAL_ALL_BUT_EXEC) }.map(drop)
}

/// A sealed memfd that holds `bytes`. An executable one gets mode 0111: who executes it cannot read it, so the
/// process starts undumpable where its owner is not mapped (ptrace(2), PR_SET_DUMPABLE).
pub fn sealed(name: &CStr, bytes: &[u8], executable: bool) -> Result<OwnedFd> {
    let fd = memfd(name, executable)?;
    write_all(fd.borrow(), bytes)?;
    if executable {
        fs::change_mode(fd.borrow(), 0o111)?;
    }
    seal(fd.borrow())?;
    Ok(fd)
}

/// The first word of a file, mapped to be looked at while another process writes the file: that needs no system call.
pub fn map_word(fd: BorrowedFd<'_>) -> Result<&'static AtomicU32> {
    const PROT_READ: i32 = 1;
    const MAP_SHARED: i32 = 1;
    // SAFETY: a new mapping at an address that the kernel chooses.
    let at = unsafe { sc!(nr::MMAP, 0, 4096, PROT_READ, MAP_SHARED, fd.raw(), 0) }?;
    // SAFETY: a page is aligned, never unmapped, and only loads are made; the file's maker does not truncate it.
    Ok(unsafe { &*(at as *const AtomicU32) })
}

/// A memfd of `words` zeroes, shared with whoever maps it too.
pub fn shared_words(name: &CStr, words: usize) -> Result<OwnedFd> {
    let fd = memfd(name, false)?;
    fs::truncate(fd.borrow(), (words * size_of::<u64>()) as u64)?;
    Ok(fd)
}

/// The words of such a memfd, for as long as the process lives.
pub fn map_words(fd: BorrowedFd<'_>) -> Result<&'static [AtomicU64]> {
    const PROT_READ_WRITE: i32 = 3;
    const MAP_SHARED: i32 = 1;
    let size = fs::status(fd)?.size as usize;
    // SAFETY: a new mapping at an address that the kernel chooses.
    let at = unsafe { sc!(nr::MMAP, 0, size, PROT_READ_WRITE, MAP_SHARED, fd.raw(), 0) }?;
    // SAFETY: pages are aligned, never unmapped, and only atomics touch them; who made the file does not truncate it.
    Ok(unsafe { core::slice::from_raw_parts(at as *const AtomicU64, size / size_of::<u64>()) })
}

/// The whole of a file, privately and writably mapped, for as long as the process lives.
pub fn map_private(fd: BorrowedFd<'_>) -> Result<&'static mut [u8]> {
    const PROT_READ_WRITE: i32 = 3;
    const MAP_PRIVATE: i32 = 2;
    let size = fs::status(fd)?.size as usize;
    // SAFETY: a new mapping at an address that the kernel chooses.
    let at = unsafe { sc!(nr::MMAP, 0, size, PROT_READ_WRITE, MAP_PRIVATE, fd.raw(), 0) }?;
    // SAFETY: the mapping is `size` bytes, private and never unmapped; callers seal the file, so it cannot shrink.
    Ok(unsafe { core::slice::from_raw_parts_mut(at as *mut u8, size) })
}
