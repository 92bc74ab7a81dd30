// SPDX-License-Identifier: Apache-2.0
//! The state as the specification shows it (runtime.md "State"): for `state`, for hooks and for seccomp agents.

use crate::spec::Text;
use crate::state::Record;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    oci_version: &'a str,
    id: &'a str,
    /// 0 once it has ended, as runc's callers expect.
    pid: i32,
    status: &'a str,
    bundle: &'a str,
    rootfs: &'a str,
    created: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<Text<'a>, Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<u32>,
}

impl<'a> Shown<'a> {
    fn of(record: &'a Record<'_>, status: &'a str) -> Shown<'a> {
        Shown {
            oci_version: &record.oci_version,
            id: &record.id,
            pid: if status == "stopped" { 0 } else { record.pid },
            status,
            bundle: &record.bundle,
            rootfs: &record.rootfs,
            created: &record.created,
            annotations: &record.annotations,
            owner: None,
        }
    }
}

/// JSON of the container at `status`.
pub fn text(record: &Record<'_>, status: &str) -> String {
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&Shown::of(record, status)).unwrap_or_default()
}

/// The same with the user's number as "owner", for a list.
pub fn row(record: &Record<'_>, status: &str, owner: u32) -> String {
    let shown = Shown { owner: Some(owner), ..Shown::of(record, status) };
    serde_json::to_string(&shown).unwrap_or_default()
}

/// The row of a container without a record that can be read.
pub fn row_of_unknown(id: &str, status: &str, owner: u32) -> String {
    // An id needs no escapes: state::check_id.
    format!(r#"{{"id":"{id}","pid":0,"status":"{status}","bundle":"","created":"","owner":{owner}}}"#)
}

/// What a seccomp agent gets with the listener (config-linux.md "The Container Process State").
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ProcessState<'a> {
    oci_version: &'a str,
    fds: [&'a str; 1],
    pid: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a str>,
    state: Shown<'a>,
}

/// JSON of process `pid` of the container at `status`.
pub fn process_text(record: &Record<'_>, status: &str, pid: i32, metadata: Option<&str>) -> String {
    let shown = ProcessState {
        oci_version: &record.oci_version,
        fds: ["seccompFd"],
        pid,
        metadata,
        state: Shown::of(record, status),
    };
    serde_json::to_string(&shown).unwrap_or_default()
}
