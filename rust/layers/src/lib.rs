// SPDX-License-Identifier: Apache-2.0
//! The trees of images: layers packed and unpacked, trees copied, digested and mounted. Safe Rust over `estiba-sys`.
//!
//! Linked by the extension alone, never by the command. What it reads is hostile: every path inside a tree is walked
//! from a descriptor, and nothing outside of the tree is ever touched.
#![forbid(unsafe_code)]

pub mod error;
pub mod overlay;
pub mod tree;

pub use error::{Error, Kind, Result};
