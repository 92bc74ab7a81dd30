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

/// One line of a map (user_namespaces(7)).
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Mapping {
    #[serde(rename = "containerID")]
    pub container: u32,
    #[serde(rename = "hostID")]
    pub host: u32,
    pub size: u32,
}
