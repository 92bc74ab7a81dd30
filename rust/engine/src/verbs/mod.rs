// SPDX-License-Identifier: Apache-2.0
//! One verb, one file: what the command and Python call.

pub mod create;
pub mod delete;
pub mod exec;
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

use estiba_sys::OwnedFd;

/// A process that a verb started: the caller's child, held by pidfd.
#[derive(Debug)]
pub struct Started {
    pub pid: i32,
    pub pidfd: OwnedFd,
}
