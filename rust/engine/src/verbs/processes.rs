// SPDX-License-Identifier: Apache-2.0
//! The processes of a container, for `ps`.

use super::live::Container;
use crate::cgroup::Cgroup;
use crate::error::Result;
use alloc::vec::Vec;

/// Every pid in the container's cgroup, sorted, as the caller's pid namespace numbers them.
pub fn processes(root: &str, id: &str) -> Result<Vec<i32>> {
    let container = Container::look(root, id)?;
    Cgroup::from_record(&container.record()?.cgroup).pids()
}
