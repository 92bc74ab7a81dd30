// SPDX-License-Identifier: Apache-2.0
//! Mount options. Written by `python -m estiba.codegen`; do not edit.

/// What a mount option means. Where the kernel has an attribute of mount_setattr(2) for it, that is what stands here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountOption {
    /// MOUNT_ATTR_*. Fold from left to right: `set = (set & !clear) | this.set; clear |= this.clear`; where the
    /// result touches `ATIME_FIELD`, clear all of that field. With `recursive`, for the tree of mounts below too.
    Attribute { set: u64, clear: u64, recursive: bool },
    /// MS_* of the file system (mount(2)), folded in the same way.
    Filesystem { set: u64, clear: u64 },
    /// MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for the tree.
    Propagation(u64),
    /// A bind mount, with `recursive` of the whole tree.
    Bind { recursive: bool },
    /// Change what is mounted there.
    Remount,
    /// Map ids by the mount's own mappings, or the container's.
    Idmap { recursive: bool },
    /// Fill the new tmpfs with what it covers.
    TmpCopyUp,
    /// Where the source is a symbolic link, copy the link.
    CopySymlink,
    /// Do not follow a symbolic link at the end of the source.
    SourceNoFollow,
    /// Do not follow a symbolic link at the end of the destination.
    DestinationNoFollow,
    /// Changes nothing.
    Nothing,
}

/// MOUNT_ATTR__ATIME: three bits that are one setting.
pub const ATIME_FIELD: u64 = 0x70;

/// Every known option; others are file system data.
pub const MOUNT_OPTIONS: &[(&str, MountOption)] = &[
    ("async", MountOption::Filesystem { set: 0x0, clear: 0x10 }),
    ("atime", MountOption::Attribute { set: 0x0, clear: 0x10, recursive: false }),
    ("bind", MountOption::Bind { recursive: false }),
    ("copy-symlink", MountOption::CopySymlink),
    ("defaults", MountOption::Nothing),
    ("dest-nofollow", MountOption::DestinationNoFollow),
    ("dev", MountOption::Attribute { set: 0x0, clear: 0x4, recursive: false }),
    ("diratime", MountOption::Attribute { set: 0x0, clear: 0x80, recursive: false }),
    ("dirsync", MountOption::Filesystem { set: 0x80, clear: 0x0 }),
    ("exec", MountOption::Attribute { set: 0x0, clear: 0x8, recursive: false }),
    ("idmap", MountOption::Idmap { recursive: false }),
    ("iversion", MountOption::Filesystem { set: 0x800000, clear: 0x0 }),
    ("lazytime", MountOption::Filesystem { set: 0x2000000, clear: 0x0 }),
    ("loud", MountOption::Filesystem { set: 0x0, clear: 0x8000 }),
    ("mand", MountOption::Filesystem { set: 0x40, clear: 0x0 }),
    ("noatime", MountOption::Attribute { set: 0x10, clear: 0x70, recursive: false }),
    ("nodev", MountOption::Attribute { set: 0x4, clear: 0x0, recursive: false }),
    ("nodiratime", MountOption::Attribute { set: 0x80, clear: 0x0, recursive: false }),
    ("noexec", MountOption::Attribute { set: 0x8, clear: 0x0, recursive: false }),
    ("noiversion", MountOption::Filesystem { set: 0x0, clear: 0x800000 }),
    ("nolazytime", MountOption::Filesystem { set: 0x0, clear: 0x2000000 }),
    ("nomand", MountOption::Filesystem { set: 0x0, clear: 0x40 }),
    ("norelatime", MountOption::Attribute { set: 0x0, clear: 0x0, recursive: false }),
    ("nostrictatime", MountOption::Attribute { set: 0x0, clear: 0x20, recursive: false }),
    ("nosuid", MountOption::Attribute { set: 0x2, clear: 0x0, recursive: false }),
    ("nosymfollow", MountOption::Attribute { set: 0x200000, clear: 0x0, recursive: false }),
    ("private", MountOption::Propagation(0x40000)),
    ("rasync", MountOption::Filesystem { set: 0x0, clear: 0x10 }),
    ("ratime", MountOption::Attribute { set: 0x0, clear: 0x10, recursive: true }),
    ("rbind", MountOption::Bind { recursive: true }),
    ("rdev", MountOption::Attribute { set: 0x0, clear: 0x4, recursive: true }),
    ("rdiratime", MountOption::Attribute { set: 0x0, clear: 0x80, recursive: true }),
    ("rdirsync", MountOption::Filesystem { set: 0x80, clear: 0x0 }),
    ("relatime", MountOption::Attribute { set: 0x0, clear: 0x70, recursive: false }),
    ("remount", MountOption::Remount),
    ("rexec", MountOption::Attribute { set: 0x0, clear: 0x8, recursive: true }),
    ("ridmap", MountOption::Idmap { recursive: true }),
    ("rmand", MountOption::Filesystem { set: 0x40, clear: 0x0 }),
    ("rnoatime", MountOption::Attribute { set: 0x10, clear: 0x70, recursive: true }),
    ("rnodev", MountOption::Attribute { set: 0x4, clear: 0x0, recursive: true }),
    ("rnodiratime", MountOption::Attribute { set: 0x80, clear: 0x0, recursive: true }),
    ("rnoexec", MountOption::Attribute { set: 0x8, clear: 0x0, recursive: true }),
    ("rnomand", MountOption::Filesystem { set: 0x0, clear: 0x40 }),
    ("rnorelatime", MountOption::Attribute { set: 0x0, clear: 0x70, recursive: true }),
    ("rnostrictatime", MountOption::Attribute { set: 0x0, clear: 0x20, recursive: true }),
    ("rnosuid", MountOption::Attribute { set: 0x2, clear: 0x0, recursive: true }),
    ("rnosymfollow", MountOption::Attribute { set: 0x200000, clear: 0x0, recursive: true }),
    ("ro", MountOption::Attribute { set: 0x1, clear: 0x0, recursive: false }),
    ("rprivate", MountOption::Propagation(0x44000)),
    ("rrelatime", MountOption::Attribute { set: 0x0, clear: 0x70, recursive: true }),
    ("rro", MountOption::Attribute { set: 0x1, clear: 0x0, recursive: true }),
    ("rrw", MountOption::Attribute { set: 0x0, clear: 0x1, recursive: true }),
    ("rshared", MountOption::Propagation(0x104000)),
    ("rslave", MountOption::Propagation(0x84000)),
    ("rstrictatime", MountOption::Attribute { set: 0x20, clear: 0x70, recursive: true }),
    ("rsuid", MountOption::Attribute { set: 0x0, clear: 0x2, recursive: true }),
    ("rsymfollow", MountOption::Attribute { set: 0x0, clear: 0x200000, recursive: true }),
    ("rsync", MountOption::Filesystem { set: 0x10, clear: 0x0 }),
    ("runbindable", MountOption::Propagation(0x24000)),
    ("rw", MountOption::Attribute { set: 0x0, clear: 0x1, recursive: false }),
    ("shared", MountOption::Propagation(0x100000)),
    ("silent", MountOption::Filesystem { set: 0x8000, clear: 0x0 }),
    ("slave", MountOption::Propagation(0x80000)),
    ("src-nofollow", MountOption::SourceNoFollow),
    ("strictatime", MountOption::Attribute { set: 0x20, clear: 0x70, recursive: false }),
    ("suid", MountOption::Attribute { set: 0x0, clear: 0x2, recursive: false }),
    ("symfollow", MountOption::Attribute { set: 0x0, clear: 0x200000, recursive: false }),
    ("sync", MountOption::Filesystem { set: 0x10, clear: 0x0 }),
    ("tmpcopyup", MountOption::TmpCopyUp),
    ("unbindable", MountOption::Propagation(0x20000)),
];
