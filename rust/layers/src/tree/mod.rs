// SPDX-License-Identifier: Apache-2.0
//! Trees of files, copied and digested. Both ends are hostile: a build context is anybody's, and so is a root file
//! system. Each component of a path is opened from the folder that holds it, and no link is followed out of a root.

mod attributes;
mod content;
pub mod copy;
pub mod digest;
pub mod filter;
pub mod mode;
pub mod place;
mod source;
mod walk;

pub use source::Source;
