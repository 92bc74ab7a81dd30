// SPDX-License-Identifier: Apache-2.0
//! The OCI `linux.seccomp` object, borrowed from the text of config.json.
//!
//! Shape only: what the names mean is decided in `crate::seccomp`. A list that is `null` reads as absent.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Text, read, unreadable};
use crate::error::Result;

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

impl<'a> Profile<'a> {
    /// Reads the object's text. A refusal is as rare as of the config's: `spec::parse`.
    pub fn parse(text: &'a RawValue) -> Result<Profile<'a>> {
        read(text.get().as_bytes()).map_err(|error| unreadable("config.json", &error).at("/linux/seccomp"))
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
