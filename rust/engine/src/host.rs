// SPDX-License-Identifier: Apache-2.0
//! What this host and this user can do, asked once: plain data for the planner.

use crate::cgroup::Layout;
use crate::error::{Error, Result};
use estiba_sys::process;

#[derive(Clone, Debug)]
pub struct Host {
    pub uid: u32,
    pub gid: u32,
    /// The caller's permitted capabilities, a bit each.
    pub capabilities: u64,
    pub layout: Layout,
}

pub const CAP_SETUID: u64 = 1 << 7;
pub const CAP_SYS_ADMIN: u64 = 1 << 21;

impl Host {
    pub fn read() -> Result<Host> {
        let (_, permitted, _) = process::capabilities()
            .map_err(|errno| Error::refused("read this process's capabilities", errno))?;
        let layout = Layout::read()?;
        Ok(Host {
            uid: process::effective_uid(),
            gid: process::effective_gid(),
            capabilities: permitted,
            layout,
        })
    }

    /// Whether namespaces can be made and ids mapped without a user namespace of one's own.
    pub fn is_privileged(&self) -> bool {
        self.uid == 0 && self.capabilities & CAP_SYS_ADMIN != 0
    }
}
