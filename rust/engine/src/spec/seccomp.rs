// SPDX-License-Identifier: Apache-2.0
//! The OCI `linux.seccomp` object, borrowed from the text of config.json.
//!
//! Shape only: what the names mean is decided in `crate::seccomp`. A list that is `null` reads as absent.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Spec, Text, read, unreadable};
use crate::error::Result;
use crate::seccomp::Filter;

/// `linux.seccomp` of config.json.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile<'a> {
    #[serde(borrow)]
    pub default_action: Text<'a>,
    pub default_errno_ret: Option<u32>,
    #[serde(borrow)]
    pub architectures: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub flags: Option<Vec<Text<'a>>>,
    #[serde(borrow)]
    pub listener_path: Option<Text<'a>>,
    #[serde(borrow)]
    pub listener_metadata: Option<Text<'a>>,
    #[serde(borrow)]
    pub syscalls: Option<Vec<Entry<'a>>>,
}

/// A config's profile, read only as far as need be.
#[derive(Debug)]
pub enum Seccomp<'a> {
    Absent,
    /// One seen before.
    Kept(Filter),
    /// Its text, and what that says.
    New(&'a str, Profile<'a>),
}

impl<'a> Seccomp<'a> {
    /// `kept` may know the filter of a profile by its text. A refusal is as rare as of the config's: `spec::parse`.
    pub fn read(spec: &Spec<'a>, kept: impl FnOnce(&str) -> Option<Filter>) -> Result<Seccomp<'a>> {
        let Some(text) = spec.linux.seccomp.map(RawValue::get) else { return Ok(Seccomp::Absent) };
        match kept(text) {
            Some(filter) => Ok(Seccomp::Kept(filter)),
            None => read(text.as_bytes())
                .map(|profile| Seccomp::New(text, profile))
                .map_err(|error| unreadable("config.json", &error).at("/linux/seccomp")),
        }
    }
}

/// Who answers SCMP_ACT_NOTIFY; also as it stands in the state record.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Listener<'a> {
    #[serde(borrow)]
    pub path: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Text<'a>>,
}

/// One object of `syscalls`: what happens to the calls it names.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry<'a> {
    #[serde(borrow)]
    pub names: Vec<Text<'a>>,
    #[serde(borrow)]
    pub action: Text<'a>,
    pub errno_ret: Option<u32>,
    #[serde(borrow)]
    pub args: Option<Vec<Argument<'a>>>,
}

/// One object of `args`: a comparison of one argument.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Argument<'a> {
    pub index: u32,
    pub value: u64,
    pub value_two: Option<u64>,
    #[serde(borrow)]
    pub op: Text<'a>,
}
