// SPDX-License-Identifier: Apache-2.0
//! From clone to exec: reads the plan, executes its steps, reports the first that fails.
//!
//! No allocation, no text, no panic: what it needs was made before the clone. It leaves by execve or exit.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::expect_used, clippy::panic))]

mod bind;
mod console;
mod copy;
mod devices;
mod filter;
mod hooks;
mod identity;
mod mounts;
mod path;
pub mod plan;
mod program;
mod run;
mod stage;
pub mod step;
pub mod wire;

pub use run::main;
