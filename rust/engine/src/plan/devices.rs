// SPDX-License-Identifier: Apache-2.0
//! /dev: the devices and links that every container has, and those of `linux.devices`.

use super::filesystem::{in_user_namespace, text};
use super::{Origin, Plan, mounts};
use crate::error::Result;
use crate::spec::Spec;
use estiba_init::step::Step;
use estiba_sys::fs::{S_IFBLK, S_IFCHR, S_IFIFO};

/// config-linux.md "Default Devices": name, major, minor.
const DEFAULT: [(&str, u32, u32); 6] = [
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];

/// runtime-linux.md "Dev symbolic links", and the multiplexer of the container's own devpts.
const LINKS: [(&core::ffi::CStr, &core::ffi::CStr); 6] = [
    (c"/dev/fd", c"/proc/self/fd"),
    (c"/dev/stdin", c"/proc/self/fd/0"),
    (c"/dev/stdout", c"/proc/self/fd/1"),
    (c"/dev/stderr", c"/proc/self/fd/2"),
    (c"/dev/ptmx", c"pts/ptmx"),
    (c"/dev/core", c"/proc/kcore"),
];

/// A /dev that is bound from the host is the host's business.
pub fn plan(plan: &mut Plan, spec: &Spec<'_>) -> Result<()> {
    let bound = spec
        .mounts
        .iter()
        .any(|mount| mount.destination.trim_end_matches('/') == "/dev" && mounts::is_bind(mount));
    if bound {
        return Ok(());
    }
    for (path, major, minor) in DEFAULT {
        if !spec.linux.devices.iter().any(|device| &*device.path == path) {
            make(plan, Origin::Runtime, path, S_IFCHR | 0o666, number(major, minor), (0, 0))?;
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
        let node = number(device.major as u32, device.minor as u32);
        make(plan, Origin::Item("/linux/devices", index), &device.path, mode, node, owner)?;
    }
    for (path, target) in LINKS {
        plan.add(Origin::Runtime, Step::MakeSymlink { path, target });
    }
    Ok(())
}

/// makedev(3): twelve bits of major, twenty of minor, interleaved.
fn number(major: u32, minor: u32) -> u64 {
    let (major, minor) = (u64::from(major), u64::from(minor));
    (major & 0xfff) << 8 | (major & !0xfff) << 32 | minor & 0xff | (minor & !0xff) << 12
}

/// mknod(2) is not for user namespaces: there the host's node is bound.
fn make(
    plan: &mut Plan,
    origin: Origin,
    path: &str,
    mode: u32,
    device: u64,
    owner: (u32, u32),
) -> Result<()> {
    let path = text(path, origin)?;
    if in_user_namespace(plan) && mode & S_IFIFO != S_IFIFO {
        plan.add(origin, Step::BindDevice { path: &path, source: &path });
    } else {
        let (uid, gid) = owner;
        plan.add(origin, Step::MakeDevice { path: &path, mode, device, uid, gid });
    }
    Ok(())
}
