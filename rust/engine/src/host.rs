// SPDX-License-Identifier: Apache-2.0
//! What this host and this user can do, asked once: plain data for the planner.

use crate::cgroup::Layout;
use crate::error::{Error, Result};
use estiba_sys::fd::CWD;
use estiba_sys::{fs, process};

#[derive(Clone, Debug)]
pub struct Host {
    pub uid: u32,
    pub gid: u32,
    /// The caller's permitted capabilities, a bit each.
    pub capabilities: u64,
    pub layout: Layout,
    /// Whether the kernel may run programs of other processors, by interpreters (binfmt_misc).
    pub runs_foreign: bool,
    /// Asked only where a config has labels.
    pub has_selinux: bool,
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
            runs_foreign: fs::check_access(CWD, c"/proc/sys/fs/binfmt_misc/register", 0).is_ok(),
            has_selinux: false,
        })
    }

    /// Looks for SELinux if one of the labels is there.
    #[must_use]
    pub fn with_labels(mut self, labels: [Option<&str>; 2]) -> Host {
        const SELINUX_MAGIC: u64 = 0xf97c_ff8c;
        let asked = labels.into_iter().flatten().any(|label| !label.is_empty());
        self.has_selinux = asked && fs::filesystem_type_at(c"/sys/fs/selinux") == Ok(SELINUX_MAGIC);
        self
    }

    /// Whether namespaces can be made and ids mapped without a user namespace of one's own.
    pub fn is_privileged(&self) -> bool {
        self.uid == 0 && self.capabilities & CAP_SYS_ADMIN != 0
    }
}
