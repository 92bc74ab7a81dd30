// SPDX-License-Identifier: Apache-2.0
//! Every unsafe line of estiba: raw system calls, one file per kernel subject.
//!
//! `no_std`, no allocator, no libc: the same code runs in the command, in Python and in the container's init.
//! Wrappers take borrowed C strings, descriptors and plain numbers, and answer with `Result`; they decide nothing.
#![no_std]

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("estiba knows the system calls of x86_64 Linux only");

pub mod bpf;
pub mod clock;
pub mod clone;
pub mod copy;
pub mod data;
pub mod fd;
pub mod fs;
pub mod inode;
pub mod memory;
pub mod mount;
pub mod namespace;
pub mod nr;
pub mod process;
pub mod raw;
pub mod signal;
pub mod socket;
pub mod terminal;
pub mod xattr;

// `_start`, memcpy and friends, the panic handler: only where there is no libc.
#[cfg(any(estiba_image, estiba_bare))]
pub mod start;

pub use fd::{BorrowedFd, OwnedFd};
pub use raw::{Errno, Result};
