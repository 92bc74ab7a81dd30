// SPDX-License-Identifier: Apache-2.0
//! The maps of new user namespaces (user_namespaces(7)), and namespaces that are made only for their maps.

use alloc::ffi::CString;
use alloc::format;
use estiba_sys::fd::{self, CWD, OwnedFd};
use estiba_sys::{Errno, Result, clone, fs};

/// `uids` and `gids`: the texts of the two files.
pub fn write_maps(pid: i32, uids: &str, gids: &str, deny_setgroups: bool) -> Result<()> {
    let write = |name: &str, text: &str| {
        let file = fs::open(CWD, &own_file(pid, name)?, fs::O_WRONLY, 0)?;
        fd::write(file.borrow(), text.as_bytes()).map(drop)
    };
    write("uid_map", uids)?;
    if deny_setgroups {
        write("setgroups", "deny")?;
    }
    write("gid_map", gids)
}

/// A user namespace in which no process lives.
pub fn with_maps(uids: &str, gids: &str) -> Result<OwnedFd> {
    clone::in_new_user_namespace(|pid| {
        write_maps(pid, uids, gids, false)?;
        fs::open(CWD, &own_file(pid, "ns/user")?, fs::O_RDONLY, 0)
    })
}

fn own_file(pid: i32, name: &str) -> Result<CString> {
    CString::new(format!("/proc/{pid}/{name}")).map_err(|_| Errno::EINVAL)
}
