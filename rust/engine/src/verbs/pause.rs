// SPDX-License-Identifier: Apache-2.0
//! `pause` and `resume`: the freezer of the container's cgroup.

use super::live::Container;
use crate::cgroup::Cgroup;
use crate::error::Result;

pub fn pause(root: &str, id: &str) -> Result<()> {
    let container = Container::open(root, id)?;
    let live = container.live()?;
    live.allow("pause")?;
    Cgroup::from_record(&live.record.cgroup).freeze()
}

pub fn resume(root: &str, id: &str) -> Result<()> {
    let container = Container::open(root, id)?;
    let live = container.live()?;
    live.allow("resume")?;
    Cgroup::from_record(&live.record.cgroup).thaw()
}
