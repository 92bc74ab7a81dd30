// SPDX-License-Identifier: Apache-2.0
//! Namespaces: flags, setns, unshare, names.

use crate::fd::BorrowedFd;
use crate::{Result, nr, sc};

// linux/sched.h
pub const TIME: u64 = 0x80;
pub const MOUNT: u64 = 0x2_0000;
pub const CGROUP: u64 = 0x200_0000;
pub const IPC: u64 = 0x800_0000;
pub const USER: u64 = 0x1000_0000;
pub const PID: u64 = 0x2000_0000;
pub const NETWORK: u64 = 0x4000_0000;

/// setns(2): `at` is a namespace file, or a pidfd (then `kinds` may name several).
pub fn join(at: BorrowedFd<'_>, kinds: u64) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::SETNS, at.raw(), kinds) }.map(drop)
}

pub fn unshare(kinds: u64) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::UNSHARE, kinds) }.map(drop)
}

pub fn set_hostname(name: &[u8]) -> Result<()> {
    // SAFETY: `name` is readable for its length.
    unsafe { sc!(nr::SETHOSTNAME, name.as_ptr(), name.len()) }.map(drop)
}

pub fn set_domainname(name: &[u8]) -> Result<()> {
    // SAFETY: `name` is readable for its length.
    unsafe { sc!(nr::SETDOMAINNAME, name.as_ptr(), name.len()) }.map(drop)
}
