// SPDX-License-Identifier: Apache-2.0
//! `linux` (config-linux.md), but for `resources` and `seccomp`, which have files of their own.

use super::resources::Resources;
use super::{Mapping, Text, nullable};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Linux<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub namespaces: Vec<Namespace<'a>>,
    #[serde(deserialize_with = "nullable")]
    pub uid_mappings: Vec<Mapping>,
    #[serde(deserialize_with = "nullable")]
    pub gid_mappings: Vec<Mapping>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub time_offsets: BTreeMap<Text<'a>, TimeOffset>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub devices: Vec<Device<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub cgroups_path: Text<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub resources: Resources<'a>,
    /// Read further where no filter of it is kept: `Profile::parse`.
    #[serde(borrow)]
    pub seccomp: Option<&'a RawValue>,
    #[serde(borrow)]
    pub rootfs_propagation: Option<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub masked_paths: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub readonly_paths: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub sysctl: BTreeMap<Text<'a>, Text<'a>>,
    #[serde(borrow)]
    pub mount_label: Option<Text<'a>>,
    #[serde(borrow)]
    pub personality: Option<Personality<'a>>,
    #[serde(borrow)]
    pub memory_policy: Option<MemoryPolicy<'a>>,
    /// Not built yet: kept as text, to be refused in words.
    #[serde(borrow)]
    pub intel_rdt: Option<&'a RawValue>,
    #[serde(borrow)]
    pub net_devices: Option<&'a RawValue>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Namespace<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    /// None: a new one.
    #[serde(borrow)]
    pub path: Option<Text<'a>>,
}

/// time_namespaces(7).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimeOffset {
    #[serde(deserialize_with = "nullable")]
    pub secs: i64,
    #[serde(deserialize_with = "nullable")]
    pub nanosecs: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    #[serde(default, deserialize_with = "nullable")]
    pub major: i64,
    pub minor: Option<i64>,
    pub file_mode: Option<u32>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Personality<'a> {
    #[serde(borrow)]
    pub domain: Text<'a>,
}

/// set_mempolicy(2).
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct MemoryPolicy<'a> {
    #[serde(borrow)]
    pub mode: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub nodes: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub flags: Vec<Text<'a>>,
}
