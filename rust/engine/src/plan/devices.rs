// SPDX-License-Identifier: Apache-2.0
//! /dev: the devices and links that every container has, and those of `linux.devices`.

use super::filesystem::{in_user_namespace, text};
use super::{Origin, Plan, mounts};
use crate::error::Result;
use crate::generated::devices::DEFAULT;
use crate::spec::Spec;
use core::ffi::CStr;
use estiba_init::step::Step;
use estiba_sys::fs::{S_IFBLK, S_IFCHR, S_IFIFO};

/// runtime-linux.md "Dev symbolic links", and the multiplexer of the container's own devpts.
const LINKS: [(&CStr, &CStr); 6] = [
    (c"fd", c"/proc/self/fd"),
    (c"stdin", c"/proc/self/fd/0"),
    (c"stdout", c"/proc/self/fd/1"),
    (c"stderr", c"/proc/self/fd/2"),
    (c"ptmx", c"pts/ptmx"),
    (c"core", c"/proc/kcore"),
];

/// A /dev that is bound from the host is the host's business.
pub fn plan(plan: &mut Plan, spec: &Spec<'_>) -> Result<()> {
    let bound = spec.mounts.iter().any(|mount| mount.is_at("dev") && mounts::is_bind(mount));
    if bound {
        return Ok(());
    }
    let mut nodes = Nodes { plan, folder: "" };
    for &(path, major, minor) in DEFAULT {
        // What a mount of the config puts there stays: a common one shows the host's urandom as random.
        let mounted = spec.mounts.iter().any(|mount| &*mount.destination == path);
        if !mounted && !spec.linux.devices.iter().any(|device| &*device.path == path) {
            nodes.make(Origin::Runtime, path, S_IFCHR | 0o666, number(major, minor), (0, 0))?;
        }
    }
    for (index, device) in spec.linux.devices.iter().enumerate() {
        let kind = match &*device.kind {
            "b" => S_IFBLK,
            "p" => S_IFIFO,
            _ => S_IFCHR, // "c" and its old name "u"
        };
        let mode = kind | device.file_mode.unwrap_or(0o666) & 0o7777;
        let owner = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
        let node = number(device.major as u32, device.minor.unwrap_or(0) as u32);
        nodes.make(Origin::Item("/linux/devices", index), &device.path, mode, node, owner)?;
    }
    nodes.open(Origin::Runtime, "/dev")?;
    for (name, target) in LINKS {
        plan.add(Origin::Runtime, Step::MakeSymlink { name, target });
    }
    Ok(())
}

/// makedev(3): twelve bits of major, twenty of minor, interleaved.
fn number(major: u32, minor: u32) -> u64 {
    let (major, minor) = (u64::from(major), u64::from(minor));
    (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12
}

/// Devices one after the other; each folder is opened once for those that follow each other in it.
struct Nodes<'p, 's> {
    plan: &'p mut Plan,
    folder: &'s str,
}

impl<'s> Nodes<'_, 's> {
    fn open(&mut self, origin: Origin, folder: &'s str) -> Result<()> {
        if self.folder != folder {
            self.folder = folder;
            self.plan.add(origin, Step::OpenFolder { path: &text(folder, origin)? });
        }
        Ok(())
    }

    /// mknod(2) is not for user namespaces: there the host's node is bound.
    fn make(
        &mut self,
        origin: Origin,
        path: &'s str,
        mode: u32,
        device: u64,
        owner: (u32, u32),
    ) -> Result<()> {
        if in_user_namespace(self.plan) && mode & S_IFIFO != S_IFIFO {
            let path = text(path, origin)?;
            self.plan.add(origin, Step::BindDevice { path: &path, source: &path });
            return Ok(());
        }
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.open(origin, if folder.is_empty() { "/" } else { folder })?;
        let (uid, gid) = owner;
        self.plan.add(origin, Step::MakeDevice { name: &text(name, origin)?, mode, device, uid, gid });
        Ok(())
    }
}
