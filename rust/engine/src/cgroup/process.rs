// SPDX-License-Identifier: Apache-2.0
//! The cgroup in which a process really is, for `exec` to join: the container may have moved its init.

use crate::cgroup::create::Cgroup;
use crate::cgroup::file;
use crate::cgroup::layout::{Layout, Membership};
use crate::cgroup::place::Dir;
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::fs;

impl Cgroup {
    /// Where process `pid` is now, in every hierarchy that is mounted and where the caller is not there itself: without
    /// delegation a container shares its caller's. `below` it, if `exec` names a cgroup there.
    pub fn of_process(pid: i32, below: Option<&str>) -> Result<Cgroup> {
        let layout = Layout::read()?;
        let path = format!("/proc/{pid}/cgroup");
        let text =
            file::read_path(&path).map_err(|errno| Error::refused(format!("read \"{path}\""), errno))?;
        let (membership, own) = (Membership::parse(&text), Membership::read()?);
        let mut dirs = Vec::with_capacity(layout.hierarchies.len());
        for hierarchy in &layout.hierarchies {
            let Some(inside) = membership.of(hierarchy) else { continue };
            if below.is_none() && own.of(hierarchy) == Some(inside) {
                continue;
            }
            let Some(path) = hierarchy.folder_of(inside) else {
                let message = format!(
                    "process {pid} is in the cgroup \"{inside}\", outside of what is mounted on \"{}\"",
                    hierarchy.mount_point
                );
                return Err(Error::new(ErrorKind::HostUnsupported, message)
                    .hint("run this from the cgroup namespace in which the container was created"));
            };
            dirs.push(Dir { controllers: hierarchy.controllers.clone(), path, parents: 0, inode: 0 });
        }
        let cgroup = Cgroup { dirs, refused: Vec::new() };
        below.map_or(Ok(cgroup.clone()), |below| cgroup.below(below))
    }

    /// "PATH" in every hierarchy, or "CONTROLLER:PATH" in one of v1, where the others stay. It must be there.
    fn below(mut self, asked: &str) -> Result<Cgroup> {
        let named = asked.split_once(':').filter(|(name, _)| self.v1(name).is_some());
        let (controller, path) = named.map_or((None, asked), |(name, path)| (Some(name), path));
        let path = path.trim_matches('/');
        if path.is_empty() {
            return Ok(self);
        }
        let beneath = fs::RESOLVE_BENEATH | fs::RESOLVE_NO_SYMLINKS | fs::RESOLVE_NO_MAGICLINKS;
        for dir in self.dirs.iter_mut().filter(|dir| controller.is_none_or(|name| dir.has(name))) {
            let found = file::open_dir(&dir.path).and_then(|folder| {
                let flags = fs::O_PATH | fs::O_DIRECTORY;
                fs::open_resolved(folder.borrow(), &file::c_path(path)?, flags, 0, beneath)
            });
            if let Err(errno) = found {
                let doing = format!("open the cgroup \"{path}\" below \"{}\"", dir.path);
                return Err(Error::refused(doing, errno)
                    .hint("--cgroup names a cgroup inside of the container's own, made before"));
            }
            dir.path = format!("{}/{path}", dir.path);
        }
        Ok(self)
    }
}
