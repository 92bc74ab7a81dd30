// SPDX-License-Identifier: Apache-2.0
//! Signals by pidfd, masks, dispositions, and signals as a descriptor.

use crate::fd::{BorrowedFd, OwnedFd, read};
use crate::{Errno, Result, nr, sc};

/// Runs `then` with every signal blocked, by the raw call: glibc's wrapper leaves its own two (32, 33) open.
pub fn with_all_blocked<T>(then: impl FnOnce() -> T) -> T {
    let old = set_mask(u64::MAX);
    let result = then();
    if let Ok(old) = old {
        let _ = set_mask(old);
    }
    result
}

/// Sets this thread's mask (bit n-1: signal n) and returns the one before.
pub fn set_mask(mask: u64) -> Result<u64> {
    const SIG_SETMASK: i32 = 2;
    let mut old = 0u64;
    // SAFETY: both are signal sets of the given eight bytes.
    unsafe { sc!(nr::RT_SIGPROCMASK, SIG_SETMASK, &raw const mask, &raw mut old, 8) }?;
    Ok(old)
}

/// Default dispositions and an empty mask. CLONE_CLEAR_SIGHAND and exec have emptied all handlers, but "ignored"
/// survives both, so these signals are set back.
pub fn reset(ignored: u64) {
    let default = [0usize; 4]; // struct sigaction of the kernel: handler SIG_DFL, no flags, no mask
    for signal in 1..=64 {
        if ignored >> (signal - 1) & 1 == 1 {
            // SAFETY: `default` is a kernel sigaction; setting SIG_DFL runs no handler.
            let _ = unsafe { sc!(nr::RT_SIGACTION, signal, default.as_ptr(), 0, 8) };
        }
    }
    let _ = set_mask(0);
}

/// Sends `signal` to exactly the process behind `pidfd`; 0 only asks whether it is there.
pub fn send(pidfd: BorrowedFd<'_>, signal: i32) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::PIDFD_SEND_SIGNAL, pidfd.raw(), signal, 0, 0) }.map(drop)
}

/// A descriptor on which blocked signals of `mask` can be read.
pub fn descriptor(mask: u64) -> Result<OwnedFd> {
    const SFD_CLOEXEC_NONBLOCK: i32 = 0o2_004_000;
    // SAFETY: `mask` is a signal set of the given eight bytes.
    let fd = unsafe { sc!(nr::SIGNALFD4, -1isize, &raw const mask, 8, SFD_CLOEXEC_NONBLOCK) }?;
    Ok(OwnedFd::take(fd as i32))
}

/// The next signal waiting in `descriptor`, if any.
pub fn next(descriptor: BorrowedFd<'_>) -> Result<Option<i32>> {
    let mut info = [0u8; 128]; // struct signalfd_siginfo
    match read(descriptor, &mut info) {
        Ok(n) if n == info.len() => Ok(Some(i32::from_ne_bytes([info[0], info[1], info[2], info[3]]))),
        Ok(_) | Err(Errno::EAGAIN) => Ok(None),
        Err(errno) => Err(errno),
    }
}
