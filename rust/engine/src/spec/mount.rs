// SPDX-License-Identifier: Apache-2.0
//! `mounts` (config.md "Mounts") and id mappings.

use super::{Text, nullable};
use alloc::vec::Vec;
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount<'a> {
    #[serde(borrow)]
    pub destination: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Option<Text<'a>>,
    #[serde(borrow)]
    pub source: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub options: Vec<Text<'a>>,
    #[serde(default, deserialize_with = "nullable")]
    pub uid_mappings: Vec<Mapping>,
    #[serde(default, deserialize_with = "nullable")]
    pub gid_mappings: Vec<Mapping>,
}

impl Mount<'_> {
    /// Whether the destination is `folder` at the top of the root, as in "/proc", "proc" and "//x/../proc/.".
    pub fn is_at(&self, folder: &str) -> bool {
        parts(&self.destination) == [folder]
    }

    /// Whether the destination is the root itself, however it is written.
    pub fn is_over_root(&self) -> bool {
        parts(&self.destination).is_empty()
    }
}

/// The components of a path as it is written: links of the image are not looked at.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
}

/// One line of a map (user_namespaces(7)).
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Mapping {
    #[serde(rename = "containerID")]
    pub container: u32,
    #[serde(rename = "hostID")]
    pub host: u32,
    pub size: u32,
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_path_has_the_same_parts_however_it_is_written() {
        for written in ["/proc", "proc", "/proc/", "//proc", "/./proc/.", "/x/../proc", "/../proc"] {
            assert_eq!(parts(written), ["proc"], "{written:?}");
        }
        for written in ["/", "", "//", "/.", "/x/..", "/..", "."] {
            assert!(parts(written).is_empty(), "{written:?}");
        }
        assert_eq!(parts("/sys/fs/cgroup"), ["sys", "fs", "cgroup"]);
    }
}
