// SPDX-License-Identifier: Apache-2.0
//! What this host and this user can do, asked once: plain data for the planner.

use crate::cgroup::Layout;
use crate::cgroup::file::read_path;
use crate::error::{Error, Result};
use crate::spec::Process;
use estiba_sys::fd::CWD;
use estiba_sys::{Errno, fs, process};

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
    /// Asked only where a config has a profile.
    pub has_apparmor: bool,
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
            has_apparmor: false,
        })
    }

    /// Looks for the security modules whose labels are there.
    #[must_use]
    pub fn with_labels(mut self, process: Option<&Process<'_>>, of_mounts: Option<&str>) -> Host {
        let own = process.and_then(|process| process.selinux_label.as_deref());
        if [own, of_mounts].into_iter().flatten().any(|label| !label.is_empty()) {
            self.has_selinux = has_selinux();
        }
        if process.and_then(Process::profile).is_some() {
            self.has_apparmor = has_apparmor();
        }
        self
    }

    /// Whether namespaces can be made and ids mapped without a user namespace of one's own.
    pub fn is_privileged(&self) -> bool {
        self.uid == 0 && self.capabilities & CAP_SYS_ADMIN != 0
    }
}

// A label is left out only where its module is surely absent: what cannot be asked about is tried, and fails in words.

/// SELinux registers its file system where it is on, mounted or not (is_selinux_enabled(3) looks there too).
fn has_selinux() -> bool {
    read_path("/proc/filesystems")
        .map_or(true, |known| known.lines().any(|line| line.ends_with("\tselinuxfs")))
}

/// Without AppArmor in the kernel the attribute is absent, and with one that is off nobody answers for it (EINVAL).
fn has_apparmor() -> bool {
    let own = read_path("/proc/self/attr/apparmor/current");
    !matches!(own, Err(Errno::ENOENT | Errno::EINVAL))
}
