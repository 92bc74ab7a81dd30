// SPDX-License-Identifier: Apache-2.0
//! `update`: new limits for a live container.

use super::live::Container;
use crate::cgroup::{Cgroup, Layout};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::resources::Resources;
use alloc::format;

/// `resources`: an OCI `linux.resources` object as JSON.
pub fn update(root: &str, id: &str, resources: &[u8]) -> Result<()> {
    let resources: Resources<'_> = serde_json::from_slice(resources).map_err(|error| {
        Error::new(ErrorKind::ConfigInvalid, format!("the resources cannot be read: {error}"))
    })?;
    let container = Container::open(root, id)?;
    let live = container.live()?;
    live.allow("update")?;
    let layout = Layout::read()?;
    let cgroup = Cgroup::from_record(&live.record.cgroup);
    let updated = match &live.record.scope {
        Some(scope) => scope.update(&cgroup, &resources, &layout),
        None => cgroup.update(&resources, &layout),
    };
    updated.map_err(Error::of_resources_object)
}
