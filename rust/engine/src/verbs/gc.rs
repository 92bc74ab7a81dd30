// SPDX-License-Identifier: Apache-2.0
//! `gc` for one container: what a killed verb has left is cleaned, what somebody may come back for is not.

use super::delete;
use super::live::Container;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{Folder, Status};
use alloc::vec::Vec;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A verb is at work on it.
    Busy,
    /// Its `create` was killed, before or after the first record.
    HalfMade,
    /// Its init has ended; whoever made it may still come for `delete`.
    Stopped,
    Live,
    /// It went meanwhile.
    Gone,
}

impl Found {
    pub fn name(self) -> &'static str {
        match self {
            Found::Busy => "busy",
            Found::HalfMade => "half-made",
            Found::Stopped => "stopped",
            Found::Live => "live",
            Found::Gone => "gone",
        }
    }
}

/// What to do about what is found.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Remove a container whose init has ended, too.
    pub stopped: bool,
    /// Only look.
    pub dry_run: bool,
}

/// Looks and cleans under one lock, so that no `create` of the same id comes between. The errors are warnings.
pub fn sweep(root: &str, id: &str, options: Options) -> Result<(Found, Vec<Error>)> {
    let folder = match Folder::open_idle(root, id) {
        Err(error) if error.kind == ErrorKind::ContainerNotFound => return Ok((Found::Gone, Vec::new())),
        Ok(None) => return Ok((Found::Busy, Vec::new())),
        Ok(Some(folder)) => folder,
        Err(error) => return Err(error),
    };
    let container = match Container::load(folder)? {
        Ok(container) => container,
        Err(_) if options.dry_run => return Ok((Found::HalfMade, Vec::new())),
        Err(folder) => return folder.remove().map(|()| (Found::HalfMade, Vec::new())),
    };
    let live = container.live()?;
    let found = match live.status {
        Status::Creating => Found::HalfMade,
        Status::Stopped => Found::Stopped,
        Status::Created | Status::Running | Status::Paused => Found::Live,
    };
    let wanted = found == Found::HalfMade || (found == Found::Stopped && options.stopped);
    if options.dry_run || !wanted {
        return Ok((found, Vec::new()));
    }
    delete::end(&live, &container.folder).map(|warnings| (found, warnings))
}
