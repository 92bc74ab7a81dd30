// SPDX-License-Identifier: Apache-2.0
//! The engine: spec to plan, plan to container. Safe Rust, no std, prints nothing and knows no Python.
//!
//!     verbs::create ─► spec::parse ─► plan::create(&Spec, &Host) ─► launch ─► [clone3] ─► init: steps ─► execve
//!                         record before the first side effect ─┘        └─ record with pid, then the commit
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod agent;
pub mod cgroup;
pub mod clock;
pub mod console;
mod deadline;
pub mod error;
mod explain;
pub mod failures;
pub mod foreground;
pub mod generated;
mod hooks;
pub mod host;
mod image;
mod launch;
mod oci_state;
pub mod plan;
mod proc;
mod program;
pub mod seccomp;
pub mod spec;
pub mod state;
mod trace;
pub mod verbs;

pub use error::{Error, ErrorKind, Result};
