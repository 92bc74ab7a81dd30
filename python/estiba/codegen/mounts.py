# SPDX-License-Identifier: Apache-2.0
"""The mount options."""

from __future__ import annotations

from estiba.codegen.layout import const, module, pairs
from estiba.tables import mount_options

MOUNT_OPTION = """\
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
"""

SPECIAL_VARIANTS = {
    "bind": "Bind { recursive: false }",
    "bind-recursive": "Bind { recursive: true }",
    "remount": "Remount",
    "idmap": "Idmap { recursive: false }",
    "idmap-recursive": "Idmap { recursive: true }",
    "tmpcopyup": "TmpCopyUp",
    "copy-symlink": "CopySymlink",
    "source-nofollow": "SourceNoFollow",
    "destination-nofollow": "DestinationNoFollow",
    "nothing": "Nothing",
}


def mount_option(kind: str, set_: int, clear: int) -> str:
    """Write one MountOption value."""
    if kind in ("attribute", "attribute-recursive"):
        recursive = "true" if kind == "attribute-recursive" else "false"
        return f"MountOption::Attribute {{ set: {set_:#x}, clear: {clear:#x}, recursive: {recursive} }}"
    if kind == "filesystem":
        return f"MountOption::Filesystem {{ set: {set_:#x}, clear: {clear:#x} }}"
    if kind == "propagation":
        return f"MountOption::Propagation({set_:#x})"
    return f"MountOption::{SPECIAL_VARIANTS[kind]}"


def mounts() -> str:
    """Write mount_options.rs."""
    table = {name: mount_option(*meaning) for name, meaning in mount_options.MOUNT_OPTIONS.items()}
    return module(
        "Mount options.",
        MOUNT_OPTION,
        f"/// MOUNT_ATTR__ATIME: three bits that are one setting.\npub const ATIME_FIELD: u64 = "
        f"{mount_options.ATIME_FIELD:#x};\n",
        const(
            "MOUNT_OPTIONS",
            "(&str, MountOption)",
            pairs(table),
            "Every known option; others are file system data.",
        ),
    )
