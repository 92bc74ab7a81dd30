// SPDX-License-Identifier: Apache-2.0
//! A mount of type "cgroup": what the container sees below /sys/fs/cgroup, in the layout of this host.

use super::filesystem::{has_new_cgroup_namespace, text};
use super::labels::with_context;
use super::mounts::Flags;
use super::{Options, Origin, Plan};
use crate::cgroup::{Dir, Hierarchy};
use crate::error::Result;
use crate::host::Host;
use crate::spec::{Mount, Spec};
use alloc::format;
use alloc::string::String;
use estiba_init::step::{Links, Step};
use estiba_sys::mount::{ATTR_RDONLY, MS_RDONLY};

pub fn plan(
    plan: &mut Plan,
    spec: &Spec<'_>,
    host: &Host,
    options: &Options<'_>,
    mount: &Mount<'_>,
    index: usize,
) -> Result<()> {
    let flags = Flags::read(mount.options.iter().map(|option| &**option));
    let namespaced = has_new_cgroup_namespace(spec);
    let label = options.mount_label;
    let mut view = View { plan, index, flags, namespaced, label };
    if host.layout.is_pure_v2() {
        let folder = options.cgroup.iter().find(|dir| dir.is_v2());
        return view.one(&mount.destination, None, folder);
    }
    view.folder_of_folders(&mount.destination)?;
    for hierarchy in &host.layout.hierarchies {
        let name = hierarchy.folder();
        let folder = options.cgroup.iter().find(|dir| dir.controllers == hierarchy.controllers);
        view.one(&format!("{}/{name}", mount.destination), Some(hierarchy), folder)?;
    }
    view.links(&mount.destination, &host.layout.hierarchies)?;
    view.close(&mount.destination)
}

struct View<'p> {
    plan: &'p mut Plan,
    index: usize,
    flags: Flags,
    namespaced: bool,
    label: Option<&'p str>,
}

impl View<'_> {
    fn origin(&self) -> Origin {
        Origin::Item("/mounts", self.index)
    }

    fn mount(&mut self, target: &str, kind: &core::ffi::CStr, flags: u64, data: Option<&str>) -> Result<()> {
        let origin = self.origin();
        let target = text(target, origin)?;
        let data = text(data.unwrap_or_default(), origin)?;
        let step = Step::MountFilesystem {
            target: &target,
            kind,
            source: c"cgroup",
            flags,
            data: (!data.is_empty()).then_some(&*data),
            strict: false,
        };
        self.plan.add(origin, step);
        Ok(())
    }

    /// v1: the hierarchies are folders of a small file system of their own.
    fn folder_of_folders(&mut self, target: &str) -> Result<()> {
        let writable = self.flags.as_mount_flags() & !MS_RDONLY;
        self.mount(target, c"tmpfs", writable, Some(&with_context("mode=755", self.label)))
    }

    /// One hierarchy: its own view in a cgroup namespace, else the container's folder of the host's. A container that
    /// has neither sees all of the host's, and writes to none of it (CVE-2023-25809).
    fn one(&mut self, target: &str, hierarchy: Option<&Hierarchy>, folder: Option<&Dir>) -> Result<()> {
        let flags = self.flags.as_mount_flags();
        let flags = match (self.namespaced, folder) {
            (false, Some(folder)) => return self.bind(target, &folder.path),
            (false, None) => flags | MS_RDONLY,
            (true, _) => flags,
        };
        let v1 = hierarchy.filter(|hierarchy| !hierarchy.controllers.is_empty());
        let kind = if v1.is_some() { c"cgroup" } else { c"cgroup2" };
        self.mount(target, kind, flags, v1.map(v1_options).as_deref())
    }

    fn bind(&mut self, target: &str, source: &str) -> Result<()> {
        let origin = self.origin();
        let (target, source) = (text(target, origin)?, text(source, origin)?);
        let step = Step::MountBind {
            target: &target,
            source: Some(&source),
            fd: -1,
            recursive: false,
            set: self.flags.set,
            clear: self.flags.clear,
            strict: false,
            links: Links::default(),
        };
        self.plan.add(origin, step);
        Ok(())
    }

    /// "cpu" and "cpuacct" lead to "cpu,cpuacct".
    fn links(&mut self, target: &str, hierarchies: &[Hierarchy]) -> Result<()> {
        let origin = self.origin();
        let mut opened = false;
        for hierarchy in hierarchies.iter().filter(|hierarchy| hierarchy.controllers.len() > 1) {
            let together = text(&hierarchy.folder(), origin)?;
            for alone in &hierarchy.controllers {
                if !opened {
                    self.plan.add(origin, Step::OpenFolder { path: &text(target, origin)? });
                    opened = true;
                }
                self.plan.add(origin, Step::MakeSymlink { name: &text(alone, origin)?, target: &together });
            }
        }
        Ok(())
    }

    /// Read-only only now, as the folders had to be made.
    fn close(&mut self, target: &str) -> Result<()> {
        if self.flags.set & ATTR_RDONLY == 0 {
            return Ok(());
        }
        let target = text(target, self.origin())?;
        let step = Step::ChangeMount {
            target: &target,
            set: ATTR_RDONLY,
            clear: 0,
            propagation: 0,
            recursive: false,
            held: false,
        };
        self.plan.add(self.origin(), step);
        Ok(())
    }
}

/// "cpu,cpuacct", or "none,name=systemd" for a hierarchy without controllers (cgroups(7)).
fn v1_options(hierarchy: &Hierarchy) -> String {
    let list = hierarchy.controllers.join(",");
    if list.starts_with("name=") { format!("none,{list}") } else { list }
}
