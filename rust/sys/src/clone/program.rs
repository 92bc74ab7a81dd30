// SPDX-License-Identifier: Apache-2.0
//! Starts an ordinary program (a hook, a helper) by the same borrowed address space, and nothing inherited but what
//! is named.

use super::child::{self, CloneArgs, Stack};
use crate::fd::{BorrowedFd, OwnedFd, RawFd, close_on_exec_from, duplicate_onto};
use crate::process::{self, Strings, Tables};
use crate::signal::{reset, with_all_blocked};
use crate::{Errno, Result};
use core::cell::Cell;
use core::ffi::CStr;

use super::Launched;

pub struct Program<'a> {
    pub path: &'a CStr,
    pub argv: Strings<'a>,
    pub env: Strings<'a>,
    /// What becomes 0, 1, 2; None: the caller's own. All above 2 is closed.
    pub stdio: [Option<RawFd>; 3],
    /// Room for the tables of pointers: a word for each string, two ends and one to align.
    pub scratch: &'a mut [u8],
}

struct Child<'a> {
    path: &'a CStr,
    tables: Tables<'a>,
    stdio: [Option<RawFd>; 3],
    error: Cell<Option<Errno>>,
}

/// Starts the program; its failure to execute is the error.
pub fn spawn(program: Program<'_>) -> Result<Launched> {
    let tables =
        Tables::build(program.argv, &mut program.env.iter(), program.scratch).ok_or(Errno::EINVAL)?;
    let child = Child { path: program.path, tables, stdio: program.stdio, error: Cell::new(None) };
    let pidfd = Cell::new(-1);
    let mut args = CloneArgs::init(0, &pidfd);
    let mut stack = Stack::new();
    args.stack_at(stack.start(), Stack::SIZE);
    // SAFETY: `args` names a stack of its own; CLONE_VFORK keeps this frame and `child` alive.
    let pid = with_all_blocked(|| unsafe { child::clone3(&raw const args, &raw const child, run) })?;
    let pidfd = OwnedFd::take(pidfd.get());
    match child.error.get() {
        None => Ok(Launched { pid: pid as i32, pidfd }),
        Some(errno) => {
            let _ = process::reap(pidfd.borrow());
            Err(errno)
        }
    }
}

extern "C" fn run(child: *const Child<'_>) -> ! {
    // SAFETY: the parent is suspended and keeps `child` alive.
    let child = unsafe { &*child };
    for (to, fd) in child.stdio.iter().enumerate() {
        if let Some(fd) = fd
            && let Err(errno) = duplicate_onto(BorrowedFd::numbered(*fd), to as RawFd)
        {
            child.error.set(Some(errno));
            process::exit(127);
        }
    }
    let closed = close_on_exec_from(3);
    reset(u64::MAX); // the caller may ignore any, as Python ignores SIGPIPE
    let failed = closed.err().unwrap_or_else(|| child.tables.execute(child.path));
    child.error.set(Some(failed));
    process::exit(127)
}
