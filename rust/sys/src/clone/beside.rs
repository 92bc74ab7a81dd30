// SPDX-License-Identifier: Apache-2.0
//! A running image clones itself into namespaces that it has joined, or that are made for the new process.

use super::child::CloneArgs;
use crate::fd::OwnedFd;
use crate::{Result, nr, sc};
use core::cell::Cell;

/// Which of the two goes on here.
pub enum Side {
    /// The one that called. `pid`: in its own pid namespace, which is its parent's.
    Old { pid: i32, pidfd: OwnedFd },
    /// The new one: a child of the caller's parent (CLONE_PARENT), on a copy of the caller's memory.
    New,
}

/// For a program of one thread, like fork(2). `namespaces`: CLONE_NEW* of what is new for the child.
pub fn beside(namespaces: u64) -> Result<Side> {
    let pidfd = Cell::new(-1);
    let args = CloneArgs::beside(namespaces, &pidfd);
    // SAFETY: the memory is copied, not shared; no other thread holds a lock that the copy would wait for.
    match unsafe { sc!(nr::CLONE3, &raw const args, size_of::<CloneArgs>()) }? {
        0 => Ok(Side::New),
        pid => Ok(Side::Old { pid: pid as i32, pidfd: OwnedFd::take(pidfd.get()) }),
    }
}
