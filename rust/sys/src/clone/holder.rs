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
    let (theirs, _ours) = pipe()?;
    let holder = Holder { until_closed: theirs.raw() };
    let mut stack = Stack::new();
    let pidfd = Cell::new(-1);
    let mut args = CloneArgs::holder(namespaces, &pidfd);
    args.stack_at(stack.start(), Stack::SIZE);
    // SAFETY: `args` names a stack of its own, and the child's memory is a copy.
    let pid = with_all_blocked(|| unsafe { child::clone3(&raw const args, &raw const holder, hold) })?;
    let _held = Held(OwnedFd::take(pidfd.get()));
    Ok(work(pid as i32))
}

/// The child: gone before its caller goes on, also where `work` panics.
struct Held(OwnedFd);

impl Drop for Held {
    fn drop(&mut self) {
        kill_by(self.0.raw());
        let _ = reap(self.0.borrow());
    }
}

extern "C" fn hold(holder: *const Holder) -> ! {
    // SAFETY: it is in this process's own copy of the memory.
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

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::process::pidfd_open;
    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

    #[test]
    fn the_child_ends_with_the_work_also_where_that_panics() {
        let held = Cell::new(0);
        let work = |pid| {
            held.set(pid);
            pidfd_open(pid).unwrap();
            resume_unwind(std::boxed::Box::new(()));
        };
        catch_unwind(AssertUnwindSafe(|| with_holder::<()>(0, work))).unwrap_err();
        assert_eq!(pidfd_open(held.get()).err(), Some(crate::Errno::ESRCH));
    }
}
