// SPDX-License-Identifier: Apache-2.0
//! The counters of a container's cgroup, for `events`.

use super::live::Container;
use crate::cgroup::Cgroup;
use crate::error::Result;
use alloc::string::String;

/// JSON: a key for each controller that the host has; bytes, nanoseconds, counts.
pub fn stats(root: &str, id: &str) -> Result<String> {
    let container = Container::look(root, id)?;
    Cgroup::from_record(&container.record()?.cgroup).stats()
}
