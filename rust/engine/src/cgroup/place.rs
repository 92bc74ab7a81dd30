// SPDX-License-Identifier: Apache-2.0
//! Where a container's cgroup is: `cgroupsPath` to one folder in each hierarchy. Pure.

use crate::cgroup::file;
use crate::cgroup::layout::{Hierarchy, Layout, Membership, Version};
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::fd::CWD;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    Cgroupfs,
    Systemd,
    /// Stay where the caller is.
    Disabled,
}

/// One folder of a container's cgroup; the state record keeps the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dir {
    /// v1: what its hierarchy holds; v2: empty.
    pub controllers: Vec<String>,
    pub path: String,
    /// How many folders right above are the container's too, and go with it.
    #[serde(default)]
    pub parents: u32,
    /// Which folder of this path is meant: one that was removed and made again has another. 0: not made yet.
    #[serde(default)]
    pub inode: u64,
}

impl Dir {
    pub fn is_v2(&self) -> bool {
        self.controllers.is_empty()
    }

    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|name| name == controller)
    }

    pub(super) fn read(&self, name: &str) -> estiba_sys::Result<String> {
        file::read_path(&format!("{}/{name}", self.path))
    }

    pub(super) fn read_once(&self, name: &str) -> estiba_sys::Result<String> {
        file::read_once(CWD, &format!("{}/{name}", self.path))
    }

    pub(super) fn write(&self, name: &str, text: &str) -> estiba_sys::Result<()> {
        file::write_path(&format!("{}/{name}", self.path), text)
    }

    /// "memory" or "v2", for messages.
    pub fn label(&self) -> String {
        if self.is_v2() { String::from("v2") } else { self.controllers.join(",") }
    }
}

/// What decides the place of a container's cgroup.
#[derive(Clone, Copy, Debug)]
pub struct PlaceRequest<'a> {
    pub cgroups_path: Option<&'a str>,
    pub id: &'a str,
    /// Without root's rights over the host: the default place is beside the caller, where it may be permitted.
    pub is_rootless: bool,
}

impl PlaceRequest<'_> {
    /// Whether the place depends on where the caller is.
    pub fn needs_membership(&self) -> bool {
        self.is_rootless || self.cgroups_path.is_some_and(|path| !path.is_empty() && !path.starts_with('/'))
    }
}

/// The folders that the container joins, made by the engine itself; none when cgroups are not mounted.
pub fn place(request: PlaceRequest<'_>, layout: &Layout, own: &Membership) -> Result<Vec<Dir>> {
    let asked = request.cgroups_path.filter(|path| !path.is_empty());
    let default = format!("{}estiba-{}", if request.is_rootless { "" } else { "/" }, request.id);
    let path = clean(asked.unwrap_or(&default))?;
    let mut dirs = Vec::with_capacity(layout.hierarchies.len());
    for hierarchy in &layout.hierarchies {
        let base = if path.starts_with('/') { String::new() } else { base(hierarchy, layout, own)? };
        let separator = if path.starts_with('/') { "" } else { "/" };
        dirs.push(Dir {
            controllers: hierarchy.controllers.clone(),
            path: format!("{}{base}{separator}{path}", hierarchy.mount_point),
            parents: 0,
            inode: 0,
        });
    }
    Ok(dirs)
}

/// Without doubled or trailing slashes and "."; ".." is refused, for it would lead out of the delegated part.
fn clean(path: &str) -> Result<String> {
    let refuse = |why: &str| {
        Err(Error::new(ErrorKind::ConfigInvalid, format!("\"{path}\" {why}")).at("/linux/cgroupsPath"))
    };
    let mut cleaned = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            return refuse("has a \"..\" part");
        }
        if !cleaned.is_empty() || path.starts_with('/') {
            cleaned.push('/');
        }
        cleaned.push_str(part);
    }
    match cleaned.as_str() {
        "" => refuse("names the root cgroup, which is no container's own"),
        text if text.contains('\0') => refuse("has a NUL character"),
        _ => Ok(cleaned),
    }
}

/// Where a relative path starts, below the mount point: on v1 at the caller's own cgroup; on pure v2 beside it, since
/// a cgroup with processes cannot hand controllers down (the kernel's "no internal processes" rule). runc does the same.
fn base(hierarchy: &Hierarchy, layout: &Layout, own: &Membership) -> Result<String> {
    let inside = own.of(hierarchy).and_then(|path| hierarchy.folder_of(path));
    let Some(folder) = inside else {
        let message = format!(
            "the caller's own cgroup is outside of what is mounted on \"{}\": a relative path has no start",
            hierarchy.mount_point
        );
        return Err(Error::new(ErrorKind::HostUnsupported, message)
            .at("/linux/cgroupsPath")
            .hint("give an absolute cgroupsPath"));
    };
    let below = folder.strip_prefix(hierarchy.mount_point.as_str()).unwrap_or_default();
    let start = match below.rsplit_once('/') {
        Some((parent, _)) if hierarchy.version == Version::V2 && layout.is_pure_v2() => parent,
        _ => below,
    };
    Ok(String::from(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "2:memory:/a/b\n1:cpu,cpuacct:/\n0::/user.slice/x.scope\n";

    fn hybrid() -> Layout {
        let mounts = "\
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
        Layout::parse(mounts, &Membership::parse(OWN))
    }

    fn request(path: Option<&str>) -> PlaceRequest<'_> {
        PlaceRequest { cgroups_path: path, id: "web", is_rootless: false }
    }

    fn paths(request: PlaceRequest<'_>, layout: &Layout) -> Vec<String> {
        let dirs = place(request, layout, &Membership::parse(OWN)).unwrap();
        dirs.into_iter().map(|dir| dir.path).collect()
    }

    #[test]
    fn an_absolute_path_is_followed_exactly_in_every_hierarchy() {
        assert_eq!(
            paths(request(Some("/kube//pod1/./c1/")), &hybrid()),
            [
                "/sys/fs/cgroup/memory/kube/pod1/c1",
                "/sys/fs/cgroup/cpu,cpuacct/kube/pod1/c1",
                "/sys/fs/cgroup/unified/kube/pod1/c1"
            ]
        );
    }

    #[test]
    fn a_relative_path_starts_at_the_callers_cgroup_on_v1_and_beside_it_on_v2() {
        assert_eq!(
            paths(request(Some("x/c1")), &hybrid()),
            [
                "/sys/fs/cgroup/memory/a/b/x/c1",
                "/sys/fs/cgroup/cpu,cpuacct/x/c1",
                "/sys/fs/cgroup/unified/user.slice/x.scope/x/c1"
            ]
        );
        let pure = Layout::pure_v2("/sys/fs/cgroup");
        assert_eq!(paths(request(Some("x/c1")), &pure), ["/sys/fs/cgroup/user.slice/x/c1"]);
    }

    #[test]
    fn without_a_path_the_id_names_the_cgroup() {
        let pure = Layout::pure_v2("/sys/fs/cgroup");
        assert_eq!(paths(request(None), &pure), ["/sys/fs/cgroup/estiba-web"]);
        assert_eq!(paths(request(Some("")), &pure), ["/sys/fs/cgroup/estiba-web"]);
        let rootless = PlaceRequest { is_rootless: true, ..request(None) };
        assert_eq!(paths(rootless, &pure), ["/sys/fs/cgroup/user.slice/estiba-web"]);
    }

    #[test]
    fn a_systemd_name_is_a_plain_path_to_cgroupfs() {
        let pure = Layout::pure_v2("/sys/fs/cgroup");
        assert_eq!(paths(request(Some("a.slice:p:n")), &pure), ["/sys/fs/cgroup/user.slice/a.slice:p:n"]);
    }

    #[test]
    fn paths_that_lead_out_or_name_no_cgroup_are_refused() {
        for path in ["../x", "/a/../b", "/", "/.", "a\0b"] {
            let error = place(request(Some(path)), &hybrid(), &Membership::parse(OWN)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::ConfigInvalid, "{path}");
            assert_eq!(error.pointer.as_deref(), Some("/linux/cgroupsPath"));
        }
    }
}
