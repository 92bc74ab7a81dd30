// SPDX-License-Identifier: Apache-2.0
//! The engine: spec to plan, plan to container. Safe Rust, no std, prints nothing and knows no Python.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod cgroup;
pub mod error;
pub mod image;
pub mod spec {
    pub mod resources;
}

pub use error::{Error, ErrorKind, Result};
