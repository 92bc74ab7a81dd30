// SPDX-License-Identifier: Apache-2.0
//! `state`: where a container is in its life, for programs.

use super::live::Container;
use crate::error::{ErrorKind, Result};
use crate::oci_state;
use crate::state::{self, Folder, Status};
use alloc::format;
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

/// The states of all containers under the state root by their ids, as one JSON array, each with its "owner": the user's
/// number. Where a record is absent or of another version: what is known all the same.
pub fn states(root: &str) -> Result<String> {
    let mut rows = Vec::new();
    for id in state::ids(root)? {
        match row(root, &id) {
            Err(error) if error.kind == ErrorKind::ContainerNotFound => {} // gone meanwhile
            row => rows.push(row?),
        }
    }
    Ok(format!("[{}]", rows.join(",")))
}

fn row(root: &str, id: &str) -> Result<String> {
    let folder = Folder::look(root, id)?;
    let owner = folder.owner();
    let unknown = |status| oci_state::row_of_unknown(id, status, owner);
    let container = match Container::load(folder)? {
        Ok(container) => container,
        Err(_) => return Ok(unknown(Status::Creating.name())),
    };
    match container.live() {
        Ok(live) => Ok(oci_state::row(&live.record, live.status.name(), owner)),
        Err(error) if error.kind == ErrorKind::WrongState => Ok(unknown("unreadable")),
        Err(error) => Err(error),
    }
}

/// The ids under the state root, sorted.
pub fn containers(root: &str) -> Result<Vec<String>> {
    state::ids(root)
}
