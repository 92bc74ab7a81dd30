// SPDX-License-Identifier: Apache-2.0
//! Where in config.json a step comes from. Kept on the parent's side, so that init carries no text.

use alloc::string::String;
use core::fmt;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The runtime's own need; no pointer.
    Runtime,
    At(&'static str),
    /// An element of a list: pointer, index.
    Item(&'static str, usize),
    /// One of the kernel parameters, whose key the step has; written with slashes, or with dots.
    Parameter {
        slashed: bool,
    },
    /// A member of an element: pointer, index, name.
    Member(&'static str, usize, &'static str),
}

impl Origin {
    pub fn pointer(self) -> Option<String> {
        match self {
            Origin::Runtime => None,
            _ => Some(alloc::format!("{self}")),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Runtime => f.write_str("runtime"),
            Origin::At(pointer) => f.write_str(pointer),
            Origin::Parameter { .. } => f.write_str("/linux/sysctl"),
            Origin::Item(pointer, index) => write!(f, "{pointer}/{index}"),
            Origin::Member(pointer, index, member) => write!(f, "{pointer}/{index}/{member}"),
        }
    }
}
