// SPDX-License-Identifier: Apache-2.0
//! The processes of a container, for `ps`.

use super::live::Container;
use crate::cgroup::{Cgroup, lacking};
use crate::error::Result;
use alloc::vec::Vec;

/// Every pid in the container's cgroup, sorted, as the caller's pid namespace numbers them. Without a cgroup nobody keeps
/// the list, and an empty one would say that nothing runs.
pub fn processes(root: &str, id: &str) -> Result<Vec<i32>> {
    let container = Container::look(root, id)?;
    let cgroup = Cgroup::from_record(&container.record()?.cgroup);
    if cgroup.dirs().is_empty() && container.live()?.pidfd.is_some() {
        return Err(lacking("the list of processes needs a cgroup"));
    }
    cgroup.pids()
}
