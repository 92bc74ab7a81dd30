// SPDX-License-Identifier: Apache-2.0
//! One verb, one file: what the command and Python call.

pub mod create;
pub mod delete;
pub mod exec;
pub mod gc;
pub mod kill;
mod live;
pub mod pause;
pub mod plan;
pub mod processes;
pub mod run;
pub mod start;
pub mod state;
pub mod stats;
pub mod update;

pub use crate::cgroup::Manager as CgroupManager;
pub use crate::launch::check_preserved;

use crate::error::Error;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::{OwnedFd, process, signal};

/// A process that a verb started: the caller's child, held by pidfd.
#[derive(Debug)]
pub struct Started {
    pub pid: i32,
    pub pidfd: OwnedFd,
    /// What was asked for and left out.
    pub warnings: Vec<Error>,
    /// When each phase of the start began, as JSON, where that was asked for.
    pub trace: Option<String>,
}

impl Started {
    /// `done`, or the end of a process that nobody would know of: killed and reaped.
    pub fn unless_failed<T, E>(&self, done: Result<T, E>) -> Result<T, E> {
        const SIGKILL: i32 = 9;
        done.inspect_err(|_| {
            let _ = signal::send(self.pidfd.borrow(), SIGKILL);
            let _ = process::reap(self.pidfd.borrow());
        })
    }
}
