// SPDX-License-Identifier: Apache-2.0
//! The maps of new user namespaces (user_namespaces(7)), and namespaces that are made only for their maps.

use crate::error::{Error, ErrorKind, Result};
use crate::plan::UserNamespace;
use crate::program::{self, Asked};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use estiba_sys::fd::{self, CWD, OwnedFd};
use estiba_sys::{Errno, clone, fs, namespace};

/// Where distributions have programs of root's; PATH is the caller's and has no say.
const FOLDERS: [&str; 4] = ["/usr/bin", "/bin", "/usr/local/bin", "/run/wrappers/bin"];

/// A file of a namespace, and who writes it for a caller that may not.
struct Map {
    file: &'static str,
    helper: &'static str,
    ranges: &'static str,
    pointer: &'static str,
}

const UIDS: Map =
    Map { file: "uid_map", helper: "newuidmap", ranges: "/etc/subuid", pointer: "/linux/uidMappings" };
const GIDS: Map =
    Map { file: "gid_map", helper: "newgidmap", ranges: "/etc/subgid", pointer: "/linux/gidMappings" };

/// Writes the maps of the container's own new namespace, in which `pid` waits.
pub fn write_own(pid: i32, user: &UserNamespace) -> Result<()> {
    let UserNamespace::New { uid_map, gid_map, deny_setgroups, helpers, .. } = user else {
        return Err(Error::internal("maps for a user namespace that is not new"));
    };
    UIDS.write(pid, uid_map, helpers.0)?;
    if *deny_setgroups {
        write(pid, "setgroups", "deny")
            .map_err(|errno| Error::refused("deny setgroups in the new user namespace", errno))?;
    }
    GIDS.write(pid, gid_map, helpers.1)
}

/// A user namespace in which no process lives. `uids` and `gids`: the texts of the two files.
pub fn with_maps(uids: &str, gids: &str) -> estiba_sys::Result<OwnedFd> {
    clone::with_holder(namespace::USER, |pid| {
        write(pid, UIDS.file, uids)?;
        write(pid, GIDS.file, gids)?;
        fs::open(CWD, &own_file(pid, "ns/user")?, fs::O_RDONLY, 0)
    })?
}

fn own_file(pid: i32, name: &str) -> estiba_sys::Result<CString> {
    CString::new(format!("/proc/{pid}/{name}")).map_err(|_| Errno::EINVAL)
}

fn write(pid: i32, name: &str, text: &str) -> estiba_sys::Result<()> {
    let file = fs::open(CWD, &own_file(pid, name)?, fs::O_WRONLY, 0)?;
    fd::write(file.borrow(), text.as_bytes()).map(drop)
}

impl Map {
    fn write(&self, pid: i32, text: &str, by_helper: bool) -> Result<()> {
        if by_helper {
            return self.have_written(pid, text);
        }
        write(pid, self.file, text).map_err(|errno| {
            Error::refused(format!("write {} of the new user namespace", self.file), errno).at(self.pointer)
        })
    }

    fn have_written(&self, pid: i32, text: &str) -> Result<()> {
        let pid = format!("{pid}");
        let mut argv = vec![self.helper, &pid];
        argv.extend(text.split_whitespace());
        for folder in FOLDERS {
            let path = format!("{folder}/{}", self.helper);
            match program::run(&Asked { path: &path, argv: &argv, env: &[], stdin: None, seconds: None }) {
                Err(Errno::ENOENT) => {}
                Err(errno) => return Err(Error::refused(format!("run {path:?}"), errno).at(self.pointer)),
                Ok(ended) if ended.code == Some(0) => return Ok(()),
                Ok(ended) => return Err(self.refused(&ended.said)),
            }
        }
        let message =
            format!("mapping more than one's own id without root needs {}, which is absent", self.helper);
        let hint = format!("install it (Debian: uidmap), and give the user ids in {}", self.ranges);
        Err(Error::new(ErrorKind::HostUnsupported, message).at(self.pointer).hint(hint))
    }

    fn refused(&self, said: &str) -> Error {
        let mut message = format!("{} refuses these mappings", self.helper);
        if !said.is_empty() {
            message.push_str(&format!(", saying {said:?}"));
        }
        let hint: String = format!("{} has to give the caller every id that is mapped", self.ranges);
        Error::new(ErrorKind::KernelRefused, message).at(self.pointer).hint(hint)
    }
}
