// SPDX-License-Identifier: Apache-2.0
//! `pause` and `resume`: the freezer of the container's cgroup.

use super::live::Container;
use crate::cgroup::Cgroup;
use crate::error::Result;
use crate::state::Status;

pub fn pause(root: &str, id: &str) -> Result<()> {
    let container = Container::open(root, id)?;
    let live = container.live()?;
    match live.status {
        Status::Created | Status::Running => Cgroup::from_record(&live.record.cgroup).freeze(),
        _ => Err(live.wrong("pause", "created or running")),
    }
}

pub fn resume(root: &str, id: &str) -> Result<()> {
    let container = Container::open(root, id)?;
    let live = container.live()?;
    match live.status {
        Status::Paused => Cgroup::from_record(&live.record.cgroup).thaw(),
        _ => Err(live.wrong("resume", "paused")),
    }
}
