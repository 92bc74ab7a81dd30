// SPDX-License-Identifier: Apache-2.0
//! `state`: where a container is in its life, for programs.

use super::live::Container;
use crate::error::Result;
use crate::oci_state;
use crate::state;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The OCI state as JSON (runtime.md "State"), with the rootfs and the time of creation as runc's callers know them.
pub fn state(root: &str, id: &str) -> Result<String> {
    let container = Container::look(root, id)?;
    let live = container.live()?;
    Ok(oci_state::text(&live.record, live.status.name()))
}

/// The whole record as it is stored.
pub fn record(root: &str, id: &str) -> Result<String> {
    Container::look(root, id).map(|container| container.text().to_string())
}

/// The ids under the state root, sorted.
pub fn containers(root: &str) -> Result<Vec<String>> {
    state::ids(root)
}
