// SPDX-License-Identifier: Apache-2.0
//! Who the process is: keyring, ids, capabilities, labels, kernel parameters.

use crate::run::{Failure, Outcome};
use core::ffi::CStr;
use estiba_sys::fd::{CWD, OwnedFd, read, write};
use estiba_sys::{Errno, fs, process};

/// A kernel without keyrings (ENOSYS), and one whose quota is used up, start the container without.
pub fn new_keyring(name: &CStr) -> Outcome {
    const EDQUOT: Errno = Errno(122);
    match process::join_session_keyring(name) {
        Err(Errno::ENOSYS | EDQUOT) => Ok(()),
        Err(errno) => Err(errno.into()),
        Ok(serial) => {
            let _ = process::make_keyring_searchable(serial);
            Ok(())
        }
    }
}

/// Drops every capability that is not in `keep`; the kernel's last one answers EINVAL beyond it.
pub fn keep_in_bounding_set(keep: u64) -> Outcome {
    for capability in 0..64 {
        if keep >> capability & 1 == 1 {
            continue;
        }
        match process::drop_from_bounding_set(capability) {
            Ok(()) => {}
            Err(Errno::EINVAL) => break,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

pub fn take_ids(uid: u32, gid: u32, groups: Option<&[u8]>) -> Outcome {
    if uid != 0 {
        process::keep_capabilities_over_setuid()?;
    }
    if let Some(groups) = groups {
        match process::set_groups(groups) {
            // The caller's own user namespace has one id, and nobody in it may change groups (user_namespaces(7)).
            Err(Errno::EPERM) if groups.chunks(4).all(|one| one == gid.to_le_bytes()) && denies_groups() => {}
            done => done?,
        }
    }
    process::set_gids(gid)?;
    Ok(process::set_uids(uid)?)
}

pub fn take_capabilities(effective: u64, permitted: u64, inheritable: u64, ambient: Option<u64>) -> Outcome {
    process::set_capabilities(effective, permitted, inheritable)?;
    // With nothing both permitted and inheritable that was the end of all ambient ones (capabilities(7)).
    let Some(ambient) = ambient.filter(|_| permitted & inheritable != 0) else { return Ok(()) };
    process::clear_ambient()?; // the runtime's own caller may have had some
    for capability in (0..64).filter(|&capability| ambient >> capability & 1 == 1) {
        process::raise_ambient(capability)?;
    }
    Ok(())
}

fn denies_groups() -> bool {
    let mut said = [0; 4];
    open_kernel_file(c"/proc/self", c"setgroups", fs::O_RDONLY)
        .is_ok_and(|file| read(file.borrow(), &mut said) == Ok(4) && said == *b"deny")
}

/// Writes one file of the kernel's own tree at `base`, by a path without links that stays on that file system, and
/// only if it is a real procfs: a mount on top cannot redirect the write (CVE-2025-52881).
pub fn write_kernel_file(base: &CStr, path: &CStr, value: &[u8]) -> Outcome {
    let file = open_kernel_file(base, path, fs::O_WRONLY)?;
    // Of a parameter that is one number the kernel takes the first of a list, and says so.
    if write(file.borrow(), value)? == value.len() { Ok(()) } else { Err(Errno::EINVAL.into()) }
}

fn open_kernel_file(base: &CStr, path: &CStr, access: i32) -> Result<OwnedFd, Failure> {
    let flags = fs::RESOLVE_BENEATH | fs::RESOLVE_NO_SYMLINKS | fs::RESOLVE_NO_XDEV;
    let folder = fs::open(CWD, base, fs::O_PATH | fs::O_DIRECTORY, 0)?;
    if fs::filesystem_type(folder.borrow())? != fs::PROC_SUPER_MAGIC {
        return Err(Errno::EXDEV.into());
    }
    Ok(fs::open_resolved(folder.borrow(), path, access, 0, flags)?)
}

/// `nodes`: a mask, at most 1024 nodes, in little-endian bytes.
pub fn set_memory_policy(mode: u32, nodes: &[u8]) -> Outcome {
    let mut mask = [0u64; 16];
    for (word, bytes) in mask.iter_mut().zip(nodes.chunks(8)) {
        for (i, &byte) in bytes.iter().enumerate() {
            *word |= u64::from(byte) << (8 * i);
        }
    }
    Ok(process::set_memory_policy(mode, &mask)?)
}
