// SPDX-License-Identifier: Apache-2.0
//! `process` (config.md "Process"), also as `exec --process` reads it.

use super::{Text, nullable};
use alloc::vec::Vec;
use serde::Deserialize;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Process<'a> {
    #[serde(deserialize_with = "nullable")]
    pub terminal: bool,
    pub console_size: Option<ConsoleSize>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub user: User<'a>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub args: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub env: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub cwd: Text<'a>,
    #[serde(borrow)]
    pub capabilities: Option<Capabilities<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub rlimits: Vec<Rlimit<'a>>,
    #[serde(deserialize_with = "nullable")]
    pub no_new_privileges: bool,
    #[serde(borrow)]
    pub apparmor_profile: Option<Text<'a>>,
    #[serde(borrow)]
    pub selinux_label: Option<Text<'a>>,
    pub oom_score_adj: Option<i32>,
    #[serde(borrow)]
    pub scheduler: Option<Scheduler<'a>>,
    #[serde(borrow)]
    pub io_priority: Option<IoPriority<'a>>,
    #[serde(borrow, rename = "execCPUAffinity")]
    pub exec_cpu_affinity: Option<Affinity<'a>>,
}

impl Process<'_> {
    /// The AppArmor profile that confines it, if one does.
    pub fn profile(&self) -> Option<&str> {
        self.apparmor_profile.as_deref().filter(|name| !matches!(*name, "" | "unconfined"))
    }
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ConsoleSize {
    pub height: u32,
    pub width: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct User<'a> {
    #[serde(deserialize_with = "nullable")]
    pub uid: u32,
    #[serde(deserialize_with = "nullable")]
    pub gid: u32,
    pub umask: Option<u32>,
    #[serde(deserialize_with = "nullable")]
    pub additional_gids: Vec<u32>,
    /// Of other platforms; here it only has to be text.
    #[serde(borrow, rename = "username")]
    pub name: Option<Text<'a>>,
}

/// Names of capabilities, set by set (capabilities(7)).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Capabilities<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub bounding: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub effective: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub inheritable: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub permitted: Vec<Text<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub ambient: Vec<Text<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Rlimit<'a> {
    #[serde(borrow, rename = "type")]
    pub kind: Text<'a>,
    pub soft: u64,
    pub hard: u64,
}

/// sched_setattr(2).
#[derive(Clone, Debug, Deserialize)]
pub struct Scheduler<'a> {
    #[serde(borrow)]
    pub policy: Text<'a>,
    #[serde(default, deserialize_with = "nullable")]
    pub nice: i32,
    #[serde(default, deserialize_with = "nullable")]
    pub priority: i32,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub flags: Vec<Text<'a>>,
    #[serde(default, deserialize_with = "nullable")]
    pub runtime: u64,
    #[serde(default, deserialize_with = "nullable")]
    pub deadline: u64,
    #[serde(default, deserialize_with = "nullable")]
    pub period: u64,
}

/// ioprio_set(2).
#[derive(Clone, Debug, Deserialize)]
pub struct IoPriority<'a> {
    #[serde(borrow)]
    pub class: Text<'a>,
    #[serde(default, deserialize_with = "nullable")]
    pub priority: u32,
}

/// CPU lists such as "0-3,7" (cpuset(7)).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Affinity<'a> {
    #[serde(borrow)]
    pub initial: Option<Text<'a>>,
    #[serde(borrow, rename = "final")]
    pub last: Option<Text<'a>>,
}
