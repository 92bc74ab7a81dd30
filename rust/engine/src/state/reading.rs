// SPDX-License-Identifier: Apache-2.0
//! The record's text to a record; of one in another format, what is needed to clean.

use super::{FORMAT, Folder, Record};
use crate::cgroup::{Dir, Scope};
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Deserialize;

/// Reads a record; one of another format, or a damaged one, is told with what can be done about it.
pub fn parse<'a>(folder: &Folder, text: &'a str) -> Result<Record<'a>> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let incomplete = |why: String| {
        let message = format!("the state record of container {:?} {why}", folder.id);
        let hint = match salvage(text) {
            Some(_) => format!("`estiba delete --force {}` ends it and cleans what is left", folder.id),
            None => format!("end its processes, remove its cgroups, then the folder {:?}", folder.path),
        };
        Error::new(ErrorKind::WrongState, message).hint(hint).about(&folder.id, None)
    };
    match serde_json::from_str::<Version>(text) {
        Ok(Version { format: FORMAT }) => {}
        Ok(Version { format }) => {
            return Err(incomplete(format!("has format {format}; this estiba reads {FORMAT}")));
        }
        Err(error) => return Err(incomplete(format!("cannot be read: {error}"))),
    }
    serde_json::from_str(text).map_err(|error| incomplete(format!("cannot be read: {error}")))
}

/// What every format says: whom to end, and which cgroups to remove.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Salvaged {
    pub pid: i32,
    pub start_time: u64,
    pub cgroup: Vec<Dir>,
    #[serde(default)]
    pub scope: Option<Scope>,
}

/// Reads that much of a record of another format; None: it is damaged, or has changed too far.
pub fn salvage(text: &str) -> Option<Salvaged> {
    serde_json::from_str(text).ok()
}
