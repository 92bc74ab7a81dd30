// SPDX-License-Identifier: Apache-2.0
//! A child that does nothing, for as long as somebody works with it: it holds a new user namespace, or a place in a cgroup.

use super::child::{self, CloneArgs, Stack};
use super::kill_by;
use crate::fd::{BorrowedFd, OwnedFd, RawFd, pipe, read};
use crate::process::{exit, reap};
use crate::signal::with_all_blocked;
use crate::{Result, nr, sc};
use core::cell::Cell;

struct Holder {
    /// Its other end is the caller's alone: it closes with the caller, whatever becomes of that.
    until_closed: RawFd,
}

/// Calls `work` with the pid of a process in new namespaces (CLONE_NEW*), which ends afterwards.
pub fn with_holder<T>(namespaces: u64, work: impl FnOnce(i32) -> T) -> Result<T> {
    let (theirs, ours) = pipe()?;
    let holder = Holder { until_closed: theirs.raw() };
    let mut stack = Stack::new();
    let pidfd = Cell::new(-1);
    let mut args = CloneArgs::holder(namespaces, &pidfd);
    args.stack_at(stack.start(), Stack::SIZE);
    // SAFETY: `args` names a stack of its own; this frame is left after the child is reaped.
    let pid = with_all_blocked(|| unsafe { child::clone3(&raw const args, &raw const holder, hold) })?;
    let pidfd = OwnedFd::take(pidfd.get());
    let done = work(pid as i32);
    drop(ours);
    kill_by(pidfd.raw());
    let _ = reap(pidfd.borrow());
    Ok(done)
}

extern "C" fn hold(holder: *const Holder) -> ! {
    // SAFETY: the caller keeps it until this process is reaped.
    let fd = unsafe { &*holder }.until_closed;
    let close_range = |first: RawFd, last: u32| {
        // SAFETY: no pointers; the table of descriptors is this process's own copy.
        let _ = unsafe { sc!(nr::CLOSE_RANGE, first, last, 0) };
    };
    close_range(fd + 1, u32::MAX);
    if fd > 0 {
        close_range(0, (fd - 1) as u32);
    }
    let _ = read(BorrowedFd::numbered(fd), &mut [0]);
    exit(0)
}
