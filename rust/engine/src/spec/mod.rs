// SPDX-License-Identifier: Apache-2.0
//! config.json, typed and borrowed from its text: one read, copies only where a string has escapes.
//!
//! Shape only. Absent and null read alike, as real callers write both; unknown properties are ignored, as the
//! specification asks. What the values mean is the prover's, the planner's and Python's business.

mod linux;
mod mount;
mod objects;
mod process;
pub mod prove;
mod prove_limits;
pub mod resources;
pub mod seccomp;
mod text;

use objects::Objects;

pub use linux::{Device, Linux, MemoryPolicy, Namespace, Personality, TimeOffset};
pub use mount::{Mapping, Mount};
pub use process::{Affinity, Capabilities, ConsoleSize, IoPriority, Process, Rlimit, Scheduler, User};
pub use text::{Text, nullable};

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use serde::Deserialize;

use crate::error::{Error, ErrorKind, Result};

/// config.json (runtime-spec config.md).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec<'a> {
    #[serde(borrow)]
    pub oci_version: Text<'a>,
    #[serde(borrow)]
    pub process: Option<Process<'a>>,
    #[serde(borrow)]
    pub root: Option<Root<'a>>,
    #[serde(borrow)]
    pub hostname: Option<Text<'a>>,
    #[serde(borrow)]
    pub domainname: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub mounts: Vec<Mount<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub hooks: Hooks<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub annotations: BTreeMap<Text<'a>, Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub linux: Linux<'a>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Root<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(default, deserialize_with = "nullable")]
    pub readonly: bool,
}

/// Programs that run at fixed points of the container's life (config.md "POSIX-platform Hooks").
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks<'a> {
    #[serde(borrow, deserialize_with = "nullable")]
    pub prestart: Vec<Hook<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub create_runtime: Vec<Hook<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub create_container: Vec<Hook<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub start_container: Vec<Hook<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub poststart: Vec<Hook<'a>>,
    #[serde(borrow, deserialize_with = "nullable")]
    pub poststop: Vec<Hook<'a>>,
}

/// One hook; also as it stands in the state record.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
pub struct Hook<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub args: Vec<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "nullable")]
    pub env: Vec<Text<'a>>,
    /// Seconds; None: no limit.
    pub timeout: Option<u32>,
}

impl Hook<'_> {
    /// What it is called with: without arguments its path alone.
    pub fn argv(&self) -> Vec<&str> {
        let words = if self.args.is_empty() { core::slice::from_ref(&self.path) } else { &self.args };
        words.iter().map(|word| &**word).collect()
    }
}

/// Reads config.json's text. A refusal here is rare: Python reads first where the prover was not sure, and says more.
pub fn parse(text: &[u8]) -> Result<Spec<'_>> {
    read(text).map_err(|error| unreadable("config.json", &error))
}

/// The same for the process object that `exec` is given.
pub fn parse_process(text: &[u8]) -> Result<Process<'_>> {
    read(text).map_err(|error| unreadable("process.json", &error))
}

fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> serde_json::Result<T> {
    let mut from = serde_json::Deserializer::from_slice(text);
    let value = T::deserialize(Objects(&mut from))?;
    from.end()?;
    Ok(value)
}

fn unreadable(document: &str, error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::ConfigInvalid, format!("{document} is not what the engine can read: {error}"))
}
