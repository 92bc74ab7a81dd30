// SPDX-License-Identifier: Apache-2.0
//! The state as the specification shows it (runtime.md "State"): for `state` and for hooks.

use crate::spec::Text;
use crate::state::Record;
use alloc::collections::BTreeMap;
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
}

/// JSON of the container at `status`.
pub fn text(record: &Record<'_>, status: &str) -> String {
    let shown = Shown {
        oci_version: &record.oci_version,
        id: &record.id,
        pid: if status == "stopped" { 0 } else { record.pid },
        status,
        bundle: &record.bundle,
        rootfs: &record.rootfs,
        created: &record.created,
        annotations: &record.annotations,
    };
    // Strings and numbers only: this cannot fail.
    serde_json::to_string(&shown).unwrap_or_default()
}
