// SPDX-License-Identifier: Apache-2.0
//! Which cgroup hierarchies this host has and where: pure v2, v1, or both (hybrid). Plain data, read once.

use crate::cgroup::file;
use crate::cgroup::place::Dir;
use crate::error::{Error, Result};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fs;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    V2,
}

/// One mounted hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    pub version: Version,
    /// v1: its controllers, or its name as "name=systemd". v2: empty, for they differ from cgroup to cgroup.
    pub controllers: Vec<String>,
    pub mount_point: String,
    /// The part of the hierarchy that is mounted there: "/" but in a container without a cgroup namespace.
    pub root: String,
}

impl Hierarchy {
    /// The usual name of its mount point, as a container sees it below /sys/fs/cgroup: "cpu,cpuacct", "systemd".
    pub fn folder(&self) -> String {
        match self.version {
            Version::V2 => "unified".to_string(),
            Version::V1 => self.controllers.join(",").replace("name=", ""),
        }
    }

    /// The folder of cgroup `path` as /proc/PID/cgroup says it; None if it is outside of what is mounted.
    pub fn folder_of(&self, path: &str) -> Option<String> {
        let root = self.root.trim_end_matches('/');
        let below = path.strip_prefix(root).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        let escapes = below.split('/').any(|part| part == "..");
        (!escapes).then(|| format!("{}{}", self.mount_point, below.trim_end_matches('/')))
    }
}

/// The hierarchies of this host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    pub hierarchies: Vec<Hierarchy>,
}

impl Layout {
    /// Asks the kernel. On a pure v2 host this is one call.
    pub fn read() -> Result<Layout> {
        const USUAL: &core::ffi::CStr = c"/sys/fs/cgroup";
        if fs::filesystem_type_at(USUAL) == Ok(fs::CGROUP2_SUPER_MAGIC) {
            return Ok(Layout::pure_v2("/sys/fs/cgroup"));
        }
        let read = |path: &str| {
            super::file::read_path(path).map_err(|errno| Error::refused(format!("read \"{path}\""), errno))
        };
        Ok(Layout::parse(&read("/proc/self/mountinfo")?, &Membership::parse(&read("/proc/self/cgroup")?)))
    }

    pub fn pure_v2(mount_point: &str) -> Layout {
        let hierarchy = Hierarchy {
            version: Version::V2,
            controllers: Vec::new(),
            mount_point: mount_point.to_string(),
            root: "/".to_string(),
        };
        Layout { hierarchies: alloc::vec![hierarchy] }
    }

    /// From mountinfo (proc_pid_mountinfo(5)), and any process's cgroups: they tell controllers from mount options.
    pub fn parse(mountinfo: &str, any: &Membership) -> Layout {
        let mounts: Vec<Mount<'_>> = mountinfo.lines().filter_map(Mount::parse).collect();
        let mut hierarchies = Vec::new();
        for entry in &any.entries {
            let version = if entry.controllers.is_empty() { Version::V2 } else { Version::V1 };
            let fits = |mount: &&Mount<'_>| match version {
                Version::V2 => mount.kind == "cgroup2",
                Version::V1 => mount.kind == "cgroup" && mount.has(&entry.controllers),
            };
            let usual = |mount: &&Mount<'_>| mount.point.starts_with("/sys/fs/cgroup");
            let found = mounts.iter().filter(fits).find(usual).or_else(|| mounts.iter().find(fits));
            if let Some(mount) = found {
                hierarchies.push(Hierarchy {
                    version,
                    controllers: entry.controllers.clone(),
                    mount_point: unescape(mount.point),
                    root: unescape(mount.root),
                });
            }
        }
        Layout { hierarchies }
    }

    /// Of the hierarchy that a container's folder is in.
    pub fn mount_point_of(&self, dir: &Dir) -> &str {
        let hierarchy = self.hierarchies.iter().find(|one| one.controllers == dir.controllers);
        hierarchy.map_or("", |hierarchy| &hierarchy.mount_point)
    }

    pub fn unified(&self) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|hierarchy| hierarchy.version == Version::V2)
    }

    pub fn is_pure_v2(&self) -> bool {
        !self.hierarchies.is_empty() && self.hierarchies.iter().all(|one| one.version == Version::V2)
    }

    pub fn v1(&self, controller: &str) -> Option<&Hierarchy> {
        self.hierarchies.iter().find(|one| one.controllers.iter().any(|name| name == controller))
    }

    /// Whose files `controller` (by its v1 name) has here; where it is nowhere, those it would have.
    pub fn version_of(&self, controller: &str) -> Version {
        match (self.v1(controller), self.unified()) {
            (None, Some(_)) => Version::V2,
            (Some(_), _) | (None, None) => Version::V1,
        }
    }
}

/// The cgroups of one process: /proc/PID/cgroup (cgroups(7)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    pub entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Empty: v2.
    pub controllers: Vec<String>,
    pub path: String,
}

fn read(path: &str) -> Result<String> {
    file::read_path(path).map_err(|errno| Error::refused(format!("read \"{path}\""), errno))
}

impl Membership {
    /// The caller's own.
    pub fn read() -> Result<Membership> {
        Ok(Membership::parse(&read("/proc/self/cgroup")?))
    }

    pub fn parse(text: &str) -> Membership {
        let entry = |line: &str| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            let controllers =
                controllers.split(',').filter(|name| !name.is_empty()).map(String::from).collect();
            // A cgroup that was removed under its process keeps its name, marked.
            Some(Entry { controllers, path: path.trim_end_matches(" (deleted)").to_string() })
        };
        Membership { entries: text.lines().filter_map(entry).collect() }
    }

    pub fn of(&self, hierarchy: &Hierarchy) -> Option<&str> {
        let same = |entry: &&Entry| entry.controllers == hierarchy.controllers;
        self.entries.iter().find(same).map(|entry| entry.path.as_str())
    }
}

struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl Mount<'_> {
    fn parse(line: &str) -> Option<Mount<'_>> {
        let (front, back) = line.split_once(" - ")?;
        let mut front = front.split(' ').skip(3);
        let mut back = back.split(' ');
        let (root, point) = (front.next()?, front.next()?);
        let kind = back.next().filter(|kind| kind.starts_with("cgroup"))?;
        Some(Mount { root, point, kind, options: back.nth(1).unwrap_or("") })
    }

    fn has(&self, controllers: &[String]) -> bool {
        controllers.iter().all(|name| self.options.split(',').any(|option| option == name))
    }
}

/// mountinfo writes space, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        match after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) if byte.is_ascii() => {
                plain.push(byte.into());
                rest = after.get(3..).unwrap_or("");
            }
            _ => {
                plain.push('\\');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,xattr,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:5 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
50 31 0:32 /docker/abc /mnt/a\\040b rw - cgroup cgroup rw,memory
";
    const OWN: &str = "9:name=systemd:/user\n4:memory:/m/x (deleted)\n3:pids:/p\n1:cpu,cpuacct:/\n0::/u\n";

    #[test]
    fn a_hybrid_host_is_its_mounted_hierarchies() {
        let layout = Layout::parse(HYBRID, &Membership::parse(OWN));
        let folders: Vec<String> = layout.hierarchies.iter().map(Hierarchy::folder).collect();
        assert_eq!(folders, ["systemd", "memory", "cpu,cpuacct", "unified"]);
        assert_eq!(layout.v1("cpuacct").unwrap().mount_point, "/sys/fs/cgroup/cpu,cpuacct");
        assert_eq!(layout.v1("memory").unwrap().mount_point, "/sys/fs/cgroup/memory");
        assert!(!layout.is_pure_v2());
    }

    #[test]
    fn a_controller_without_a_v1_mount_is_v2s() {
        let layout = Layout::parse(HYBRID, &Membership::parse(OWN));
        assert_eq!([layout.version_of("memory"), layout.version_of("hugetlb")], [Version::V1, Version::V2]);
        assert_eq!(Layout::default().version_of("memory"), Version::V1);
    }

    #[test]
    fn membership_is_found_by_hierarchy() {
        let own = Membership::parse(OWN);
        let layout = Layout::parse(HYBRID, &own);
        assert_eq!(own.of(layout.unified().unwrap()), Some("/u"));
        assert_eq!(own.of(layout.v1("memory").unwrap()), Some("/m/x"));
    }

    #[test]
    fn a_part_mounted_elsewhere_is_taken_off_the_path() {
        let text = "50 31 0:32 /docker/abc /mnt/a\\040b rw - cgroup cgroup rw,memory\n";
        let layout = Layout::parse(text, &Membership::parse("4:memory:/\n"));
        let memory = layout.v1("memory").unwrap();
        assert_eq!(memory.folder_of("/docker/abc/x").as_deref(), Some("/mnt/a b/x"));
        assert_eq!(memory.folder_of("/docker/abc").as_deref(), Some("/mnt/a b"));
        assert_eq!([memory.folder_of("/docker/abcd"), memory.folder_of("/docker/abc/../x")], [None, None]);
    }
}
