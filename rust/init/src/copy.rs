// SPDX-License-Identifier: Apache-2.0
//! Copies a tree into a fresh file system (tmpcopyup): folders, files, links, with owners and permissions.

use crate::run::Outcome;
use estiba_sys::Errno;
use estiba_sys::fd::BorrowedFd;

pub fn tree(_from: BorrowedFd<'_>, _to: BorrowedFd<'_>) -> Outcome {
    Err(Errno::ENOSYS.into())
}
