// SPDX-License-Identifier: Apache-2.0
//! Mounts: the classic call where a path is ours, the calls by descriptor (Linux 5.2, 5.12) where it is not.

use crate::fd::{BorrowedFd, OwnedFd};
use crate::{Result, nr, sc};
use core::ffi::CStr;
use core::ptr::null;

// mount(2)
pub const MS_RDONLY: u64 = 1;
pub const MS_REMOUNT: u64 = 32;
pub const MS_BIND: u64 = 4096;
pub const MS_MOVE: u64 = 8192;
pub const MS_REC: u64 = 16384;
pub const MS_PRIVATE: u64 = 1 << 18;
pub const MS_SLAVE: u64 = 1 << 19;
pub const MS_SHARED: u64 = 1 << 20;
pub const MS_UNBINDABLE: u64 = 1 << 17;

// mount_setattr(2)
pub const ATTR_RDONLY: u64 = 1;
pub const ATTR_NOSUID: u64 = 2;
pub const ATTR_NODEV: u64 = 4;
pub const ATTR_NOEXEC: u64 = 8;
pub const ATTR_IDMAP: u64 = 0x10_0000;

const AT_EMPTY_PATH: i32 = 0x1000;
const AT_SYMLINK_NOFOLLOW: i32 = 0x100;
const AT_RECURSIVE: i32 = 0x8000;

fn or_null(text: Option<&CStr>) -> *const u8 {
    text.map_or(null(), |text| text.as_ptr().cast())
}

pub fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: u64,
    data: Option<&CStr>,
) -> Result<()> {
    let (source, kind, data) = (or_null(source), or_null(kind), or_null(data));
    // SAFETY: each is a C string or null; `data` is text for every file system that estiba mounts.
    unsafe { sc!(nr::MOUNT, source, target.as_ptr(), kind, flags, data) }.map(drop)
}

/// umount2(2) with MNT_DETACH.
pub fn detach(target: &CStr) -> Result<()> {
    const MNT_DETACH: i32 = 2;
    // SAFETY: `target` is a C string.
    unsafe { sc!(nr::UMOUNT2, target.as_ptr(), MNT_DETACH) }.map(drop)
}

pub fn pivot_root(new: &CStr, old: &CStr) -> Result<()> {
    // SAFETY: both are C strings.
    unsafe { sc!(nr::PIVOT_ROOT, new.as_ptr(), old.as_ptr()) }.map(drop)
}

/// A detached copy of the mount at `path` (open_tree(2), OPEN_TREE_CLONE); an empty path means `at` itself. Without
/// `follow` a symbolic link at the end of the path is what is mounted.
pub fn clone_tree(at: BorrowedFd<'_>, path: &CStr, recursive: bool, follow: bool) -> Result<OwnedFd> {
    const OPEN_TREE_CLONE: i32 = 1;
    const OPEN_TREE_CLOEXEC: i32 = 0o2_000_000;
    let depth = if recursive { AT_RECURSIVE } else { 0 };
    let link = if follow { 0 } else { AT_SYMLINK_NOFOLLOW };
    let flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | depth | link;
    // SAFETY: `path` is a C string.
    unsafe { sc!(nr::OPEN_TREE, at.raw(), path.as_ptr(), flags) }.map(|fd| OwnedFd::take(fd as i32))
}

/// Puts a detached tree onto the file behind `target` (move_mount(2) with two empty paths).
pub fn attach_tree(tree: BorrowedFd<'_>, target: BorrowedFd<'_>) -> Result<()> {
    const BOTH_EMPTY: i32 = 0x4 | 0x40;
    let empty = c"".as_ptr();
    // SAFETY: both are C strings.
    unsafe { sc!(nr::MOVE_MOUNT, tree.raw(), empty, target.raw(), empty, BOTH_EMPTY) }.map(drop)
}

/// struct mount_attr of mount_setattr(2).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Attributes {
    pub set: u64,
    pub clear: u64,
    /// MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE or 0 for "as it is".
    pub propagation: u64,
    /// With ATTR_IDMAP: the user namespace.
    pub user_namespace: u64,
}

/// Changes the mount behind `fd` (Linux 5.12).
pub fn set_attributes(fd: BorrowedFd<'_>, attributes: &Attributes, recursive: bool) -> Result<()> {
    let flags = AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    let size = size_of::<Attributes>();
    // SAFETY: an empty C string and a struct mount_attr of the given size.
    unsafe { sc!(nr::MOUNT_SETATTR, fd.raw(), c"".as_ptr(), flags, core::ptr::from_ref(attributes), size) }
        .map(drop)
}

/// A new file system instance that is mounted nowhere yet: fsopen, its options, fsmount.
pub fn new_filesystem(
    kind: &CStr,
    source: Option<&CStr>,
    options: &mut dyn Iterator<Item = (&CStr, Option<&CStr>)>,
    attributes: u64,
) -> Result<OwnedFd> {
    const FSOPEN_CLOEXEC: i32 = 1;
    const SET_FLAG: i32 = 0;
    const SET_STRING: i32 = 1;
    const CREATE: i32 = 6;
    const FSMOUNT_CLOEXEC: i32 = 1;
    // SAFETY: `kind` is a C string.
    let context =
        unsafe { sc!(nr::FSOPEN, kind.as_ptr(), FSOPEN_CLOEXEC) }.map(|fd| OwnedFd::take(fd as i32))?;
    let configure = |command: i32, key: *const u8, value: *const u8| {
        // SAFETY: key and value are C strings or null, as the command asks.
        unsafe { sc!(nr::FSCONFIG, context.raw(), command, key, value, 0) }
    };
    if let Some(source) = source {
        configure(SET_STRING, c"source".as_ptr().cast(), source.as_ptr().cast())?;
    }
    for (key, value) in options {
        match value {
            Some(value) => configure(SET_STRING, key.as_ptr().cast(), value.as_ptr().cast())?,
            None => configure(SET_FLAG, key.as_ptr().cast(), null())?,
        };
    }
    configure(CREATE, null(), null())?;
    // SAFETY: no pointers.
    unsafe { sc!(nr::FSMOUNT, context.raw(), FSMOUNT_CLOEXEC, attributes) }.map(|fd| OwnedFd::take(fd as i32))
}
