# SPDX-License-Identifier: Apache-2.0
"""Mount options: what each name of runtime-spec 1.3 ("Linux mount options") and its peers' means to the kernel.

A name that is not here goes to the file system as data. Two number spaces are kept apart by kind:
"attribute" holds MOUNT_ATTR_* of mount_setattr(2), "filesystem" and "propagation" hold MS_* of mount(2).

Options are folded from left to right: `set = (set & ~clear) | option.set; clear |= option.clear`. The time-of-access
setting is one field of three bits in MOUNT_ATTR_*: where `set | clear` touches it, the whole field must be cleared.
"""

RDONLY, NOSUID, NODEV, NOEXEC = 0x1, 0x2, 0x4, 0x8
ATIME_FIELD, NOATIME, STRICTATIME, NODIRATIME = 0x70, 0x10, 0x20, 0x80
NOSYMFOLLOW = 0x20_0000

SYNCHRONOUS, MANDLOCK, DIRSYNC, SILENT = 0x10, 0x40, 0x80, 0x8000
I_VERSION, LAZYTIME = 0x80_0000, 0x200_0000
UNBINDABLE, PRIVATE, SLAVE, SHARED, REC = 0x2_0000, 0x4_0000, 0x8_0000, 0x10_0000, 0x4000

ATTRIBUTES: dict[str, tuple[int, int]] = {
    "ro": (RDONLY, 0),
    "rw": (0, RDONLY),
    "nosuid": (NOSUID, 0),
    "suid": (0, NOSUID),
    "nodev": (NODEV, 0),
    "dev": (0, NODEV),
    "noexec": (NOEXEC, 0),
    "exec": (0, NOEXEC),
    "nodiratime": (NODIRATIME, 0),
    "diratime": (0, NODIRATIME),
    "nosymfollow": (NOSYMFOLLOW, 0),
    "symfollow": (0, NOSYMFOLLOW),
    "noatime": (NOATIME, ATIME_FIELD),
    "atime": (0, NOATIME),
    "strictatime": (STRICTATIME, ATIME_FIELD),
    "nostrictatime": (0, STRICTATIME),
    "relatime": (0, ATIME_FIELD),
    "norelatime": (0, 0),
}
"""MOUNT_ATTR_* to (set, clear). "norelatime" changes nothing: relatime is the kernel's default since Linux 2.6.30."""

FILESYSTEM: dict[str, tuple[int, int]] = {
    "sync": (SYNCHRONOUS, 0),
    "async": (0, SYNCHRONOUS),
    "dirsync": (DIRSYNC, 0),
    "mand": (MANDLOCK, 0),
    "nomand": (0, MANDLOCK),
    "lazytime": (LAZYTIME, 0),
    "nolazytime": (0, LAZYTIME),
    "iversion": (I_VERSION, 0),
    "noiversion": (0, I_VERSION),
    "silent": (SILENT, 0),
    "loud": (0, SILENT),
    "rsync": (SYNCHRONOUS, 0),
    "rasync": (0, SYNCHRONOUS),
    "rdirsync": (DIRSYNC, 0),
    "rmand": (MANDLOCK, 0),
    "rnomand": (0, MANDLOCK),
}
"""MS_* of the file system to (set, clear). There is no recursive form in the kernel: the r names mean the same."""

PROPAGATION: dict[str, int] = {
    "shared": SHARED,
    "rshared": SHARED | REC,
    "slave": SLAVE,
    "rslave": SLAVE | REC,
    "private": PRIVATE,
    "rprivate": PRIVATE | REC,
    "unbindable": UNBINDABLE,
    "runbindable": UNBINDABLE | REC,
}

SPECIAL: dict[str, str] = {
    "bind": "bind",
    "rbind": "bind-recursive",
    "remount": "remount",
    "idmap": "idmap",
    "ridmap": "idmap-recursive",
    "tmpcopyup": "tmpcopyup",
    "copy-symlink": "copy-symlink",
    "src-nofollow": "source-nofollow",
    "dest-nofollow": "destination-nofollow",
    "defaults": "nothing",
}
"""Options that change how the mount is made."""

MOUNT_OPTIONS: dict[str, tuple[str, int, int]] = {
    **{name: ("attribute", *pair) for name, pair in ATTRIBUTES.items()},
    **{"r" + name: ("attribute-recursive", *pair) for name, pair in ATTRIBUTES.items()},
    "rnorelatime": ("attribute-recursive", 0, ATIME_FIELD),
    **{name: ("filesystem", *pair) for name, pair in FILESYSTEM.items()},
    **{name: ("propagation", flags, 0) for name, flags in PROPAGATION.items()},
    **{name: (kind, 0, 0) for name, kind in SPECIAL.items()},
}
"""Every known option to (kind, set, clear); propagation flags stand in `set`."""
