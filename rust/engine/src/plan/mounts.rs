// SPDX-License-Identifier: Apache-2.0
//! `mounts`: options to flags, attributes and data; one step a mount, more where the kernel needs it.

use super::filesystem::text;
use super::{Options, Origin, Plan, below_bundle, binds, new_mounts};
use crate::error::Result;
use crate::generated::lookup;
use crate::generated::mount_options::{ATIME_FIELD, MOUNT_OPTIONS, MountOption};
use crate::host::Host;
use crate::spec::Mount;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_init::step::{Links, Step};
use estiba_sys::mount::{MS_REC, MS_REMOUNT};

pub const WHERE: &str = "/mounts";

/// A list of mount options, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// MOUNT_ATTR_* of this mount, and of the tree below it.
    pub set: u64,
    pub clear: u64,
    pub set_below: u64,
    pub clear_below: u64,
    /// MS_* of the file system itself.
    pub filesystem: u64,
    /// MS_SHARED and its kind, in the order written.
    pub propagation: Vec<u64>,
    /// Some(recursive): a bind mount.
    pub bind: Option<bool>,
    pub copy_up: bool,
    /// What no table knows: the file system's own options.
    pub data: String,
    pub links: Links,
    /// Some(recursive): show mapped ids.
    pub idmap: Option<bool>,
}

impl Flags {
    pub fn read<'t>(options: impl Iterator<Item = &'t str>) -> Flags {
        let mut flags = Flags::default();
        for option in options {
            match lookup(MOUNT_OPTIONS, option) {
                Some(known) => flags.apply(known),
                None => {
                    if !flags.data.is_empty() {
                        flags.data.push(',');
                    }
                    flags.data.push_str(option);
                }
            }
        }
        flags
    }

    fn apply(&mut self, option: MountOption) {
        match option {
            MountOption::Attribute { set, clear, recursive } => {
                let (to_set, to_clear) = if recursive {
                    (&mut self.set_below, &mut self.clear_below)
                } else {
                    (&mut self.set, &mut self.clear)
                };
                *to_set = *to_set & !clear | set;
                *to_clear |= clear;
                if (*to_set | *to_clear) & ATIME_FIELD != 0 {
                    *to_clear |= ATIME_FIELD; // one setting: the kernel wants the whole field cleared
                }
            }
            MountOption::Filesystem { set, clear } => self.filesystem = self.filesystem & !clear | set,
            MountOption::Propagation(how) => self.propagation.push(how),
            MountOption::Bind { recursive } => self.bind = Some(self.bind.unwrap_or(false) || recursive),
            MountOption::Remount => self.filesystem |= MS_REMOUNT,
            MountOption::TmpCopyUp => self.copy_up = true,
            MountOption::Nothing => {}
            MountOption::Idmap { recursive } => self.idmap = Some(self.idmap.unwrap_or(false) || recursive),
            MountOption::CopySymlink => self.links.copy_source = true,
            MountOption::SourceNoFollow => self.links.keep_source = true,
            MountOption::DestinationNoFollow => self.links.keep_target = true,
        }
    }

    /// The attributes as flags of mount(2), where the first four bits are the same numbers.
    pub fn as_mount_flags(&self) -> u64 {
        const ATTR_NOATIME: u64 = 0x10;
        const ATTR_STRICTATIME: u64 = 0x20;
        const ATTR_NODIRATIME: u64 = 0x80;
        const ATTR_NOSYMFOLLOW: u64 = 0x20_0000;
        let atime = match self.set & ATIME_FIELD {
            ATTR_NOATIME => 1 << 10,
            ATTR_STRICTATIME => 1 << 24,
            _ => 1 << 21, // MS_RELATIME, the kernel's default
        };
        let both = [(ATTR_NODIRATIME, 1 << 11), (ATTR_NOSYMFOLLOW, 1 << 8)];
        let more: u64 =
            both.iter().filter(|(attribute, _)| self.set & attribute != 0).map(|(_, flag)| flag).sum();
        self.set & 0xf | atime | more | self.filesystem
    }
}

pub fn is_bind(mount: &Mount<'_>) -> bool {
    mount.kind.as_deref() == Some("bind")
        || mount.options.iter().any(|option| matches!(&**option, "bind" | "rbind"))
}

/// The destination without what a C string of a path inside the root cannot be.
pub fn plan(
    plan: &mut Plan,
    mount: &Mount<'_>,
    index: usize,
    host: &Host,
    options: &Options<'_>,
) -> Result<()> {
    let mut flags = Flags::read(mount.options.iter().map(|option| &**option));
    let destination = text(&mount.destination, Origin::Member(WHERE, index, "destination"))?;
    if is_bind(mount) {
        let source = below_bundle(mount.source.as_deref().unwrap_or_default(), options);
        binds::plan(plan, mount, index, &destination, source, &flags, host)?;
    } else {
        binds::refuse_without_bind(mount, index, &flags)?;
        new_mounts::plan(plan, mount, index, &destination, &flags, options)?;
    }
    if flags.set_below != 0 || flags.clear_below != 0 {
        let (set, clear) = (flags.set_below, flags.clear_below);
        let step = Step::ChangeMount {
            target: &destination,
            set,
            clear,
            propagation: 0,
            recursive: true,
            held: is_bind(mount),
        };
        plan.add(Origin::Item(WHERE, index), step);
    }
    for how in flags.propagation.drain(..) {
        let (propagation, recursive) = (how & !MS_REC, how & MS_REC != 0);
        let step = Step::ChangeMount {
            target: &destination,
            set: 0,
            clear: 0,
            propagation,
            recursive,
            held: is_bind(mount),
        };
        plan.add(Origin::Item(WHERE, index), step);
    }
    Ok(())
}

/// /proc and /sys may lie behind no link of the image (CVE-2019-19921, CVE-2023-27561).
pub fn is_strict(mount: &Mount<'_>) -> bool {
    mount.is_at("proc") || mount.is_at("sys")
}
