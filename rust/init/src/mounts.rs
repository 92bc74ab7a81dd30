// SPDX-License-Identifier: Apache-2.0
//! Mounts inside the root. A target is opened first, in the root, and the mount lands on what was opened.

use crate::copy;
use crate::path::{make_missing, open_in, open_with};
use crate::run::{Failure, Outcome};
use core::ffi::CStr;
use estiba_sys::fd::{BorrowedFd, CWD, OwnedFd};
use estiba_sys::mount::{self, Attributes};
use estiba_sys::process::Strings;
use estiba_sys::{Errno, fs, xattr};

/// Opens the root file system. It is bound onto itself first, as pivot_root(2) wants a mount point.
pub fn open_root(path: &CStr, bind: bool) -> Result<OwnedFd, Errno> {
    if bind {
        mount::mount(Some(path), path, None, mount::MS_BIND | mount::MS_REC, None)?;
    }
    fs::open(CWD, path, fs::O_PATH | fs::O_DIRECTORY, 0)
}

/// Only below a private mount can a root be pivoted (pivot_root(2)). Properties belong to the top of a mount, so the
/// walk goes up until it is there; "/" is one.
pub fn part_from_host(path: &CStr) -> Outcome {
    let private = Attributes { propagation: mount::MS_PRIVATE, ..Attributes::default() };
    let mut at = fs::open(CWD, path, fs::O_PATH | fs::O_DIRECTORY, 0)?;
    loop {
        match mount::set_attributes(at.borrow(), &private, false) {
            Err(Errno::EINVAL) => {}
            done => return Ok(done?),
        }
        at = fs::open(at.borrow(), c"..", fs::O_PATH | fs::O_DIRECTORY, 0)?;
    }
}

pub fn resolve_flags(strict: bool) -> u64 {
    if strict { fs::RESOLVE_NO_SYMLINKS } else { 0 }
}

pub struct Filesystem<'a> {
    pub kind: &'a CStr,
    pub source: &'a CStr,
    pub flags: u64,
    pub data: Option<&'a CStr>,
}

impl Filesystem<'_> {
    /// Whether it has no folders yet.
    pub fn is_empty(&self) -> bool {
        self.kind == c"tmpfs"
    }
}

/// What is known of a folder before it is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Likely {
    There,
    Missing,
}

/// Whether the folder `path` is missing because `empty`, which it lies in, was mounted a moment ago.
pub fn likely(path: &CStr, empty: Option<&CStr>) -> Likely {
    let rest = empty.and_then(|empty| path.to_bytes().strip_prefix(empty.to_bytes()));
    match rest {
        Some([b'/', ..]) => Likely::Missing,
        _ => Likely::There,
    }
}

/// Mounts on the opened folder: as the working directory it is ".", a path that nobody can swap.
pub fn mount_filesystem(
    root: BorrowedFd<'_>,
    target: &CStr,
    strict: bool,
    likely: Likely,
    what: &Filesystem<'_>,
) -> Outcome {
    let folder = open_folder(root, target, strict, likely)?;
    fs::change_dir_to(folder.borrow())?;
    match mount::mount(Some(what.source), c".", Some(what.kind), what.flags, what.data) {
        // The host's /sys is bound here, and cgroup2 is on it already: mount(2) puts no file system onto itself.
        Err(Errno::EBUSY) if what.kind == c"cgroup2" => attach_new(folder.borrow(), what)?,
        mounted => mounted?,
    }
    Ok(())
}

fn open_folder(
    root: BorrowedFd<'_>,
    target: &CStr,
    strict: bool,
    likely: Likely,
) -> Result<OwnedFd, Failure> {
    let open = || open_with(root, target, fs::O_PATH | fs::O_DIRECTORY, resolve_flags(strict));
    match if likely == Likely::Missing { Err(Errno::ENOENT) } else { open() } {
        Err(Errno::ENOENT) => {
            let made = make_missing(root, target, 0o755)?; // which follows links
            if strict { Ok(open()?) } else { Ok(made) }
        }
        found => Ok(found?),
    }
}

pub struct Filled<'a> {
    pub kind: &'a CStr,
    pub source: &'a CStr,
    pub options: Strings<'a>,
    /// MOUNT_ATTR_*.
    pub set: u64,
    pub keep_mode: bool,
    pub copy_up: bool,
    pub label: Option<&'a CStr>,
}

/// Fills a file system while it is mounted nowhere, so that no path has to be walked again to reach it: the folder's
/// name may belong to another mount by then.
pub fn mount_filled(root: BorrowedFd<'_>, target: &CStr, what: &Filled<'_>) -> Outcome {
    let folder = open_folder(root, target, false, Likely::There)?;
    let writable = what.set & !mount::ATTR_RDONLY;
    let new = mount::new_filesystem(what.kind, Some(what.source), &mut pairs(what.options), writable)?;
    let top = fs::open(new.borrow(), c".", fs::O_RDONLY | fs::O_DIRECTORY, 0)?;
    if what.keep_mode {
        fs::change_mode(top.borrow(), fs::status(folder.borrow())?.mode & 0o7777)?;
    }
    if let Some(label) = what.label {
        xattr::set(top.borrow(), c"security.selinux", label.to_bytes_with_nul())?;
    }
    if what.copy_up {
        copy::tree(folder.borrow(), top.borrow())?;
    }
    if what.set != writable {
        let readonly = Attributes { set: mount::ATTR_RDONLY, ..Attributes::default() };
        mount::set_attributes(new.borrow(), &readonly, false)?;
    }
    Ok(mount::attach_tree(new.borrow(), folder.borrow())?)
}

/// Key and value of each option; None: a flag.
fn pairs<'a>(options: Strings<'a>) -> impl Iterator<Item = (&'a CStr, Option<&'a CStr>)> {
    let mut words = options.iter();
    core::iter::from_fn(move || {
        let (key, value) = (words.next()?, words.next()?);
        let value = value.to_bytes_with_nul().strip_prefix(b"=");
        Some((key, value.and_then(|value| CStr::from_bytes_with_nul(value).ok())))
    })
}

/// By move_mount(2), which does not look at what is below.
fn attach_new(at: BorrowedFd<'_>, what: &Filesystem<'_>) -> Result<(), Errno> {
    const SAME_AS_ATTRIBUTES: u64 = 0xf; // ro, nosuid, nodev, noexec
    let attributes = what.flags & SAME_AS_ATTRIBUTES;
    let new = mount::new_filesystem(what.kind, None, &mut core::iter::empty(), attributes)?;
    mount::attach_tree(new.borrow(), at)
}

/// Hides a folder below an empty read-only file system, anything else below the host's null device. The device is
/// cloned from the host by this step, so the container's /dev plays no part (CVE-2025-31133).
pub fn mask(root: BorrowedFd<'_>, path: &CStr, data: &CStr) -> Outcome {
    let at = match open_in(root, path, 0) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
        found => found?,
    };
    if fs::status(at.borrow())?.is_dir() {
        fs::change_dir_to(at.borrow())?;
        let kind = Some(c"tmpfs");
        return Ok(mount::mount(kind, c".", kind, mount::MS_RDONLY, Some(data))?);
    }
    let null = mount::clone_tree(CWD, c"/dev/null", false, true)?;
    Ok(mount::attach_tree(null.borrow(), at.borrow())?)
}

/// A read-only copy of the tree on top of itself.
pub fn make_readonly(root: BorrowedFd<'_>, path: &CStr) -> Outcome {
    let at = match open_in(root, path, 0) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(()),
        found => found?,
    };
    let tree = mount::clone_tree(at.borrow(), c"", true, true)?;
    let readonly = Attributes { set: mount::ATTR_RDONLY, ..Attributes::default() };
    mount::set_attributes(tree.borrow(), &readonly, false)?;
    Ok(mount::attach_tree(tree.borrow(), at.borrow())?)
}

/// pivot_root(2) of "." onto itself: the old root lands on top of the new one and is let go (pivot_root(2), NOTES).
/// Letting go of a mount that is shared with the host would unmount it there too.
pub fn pivot(root: BorrowedFd<'_>, shared: bool) -> Outcome {
    let old = if shared { Some(fs::open(CWD, c"/", fs::O_PATH | fs::O_DIRECTORY, 0)?) } else { None };
    fs::change_dir_to(root)?;
    mount::pivot_root(c".", c".")?;
    if let Some(old) = old {
        fs::change_dir_to(old.borrow())?;
        mount::mount(None, c".", None, mount::MS_SLAVE | mount::MS_REC, None)?;
    }
    mount::detach(c".")?;
    Ok(fs::change_dir(c"/")?)
}

/// Where "/" is an initramfs, which cannot be pivoted: the root is moved over it.
pub fn move_root(root: BorrowedFd<'_>) -> Outcome {
    fs::change_dir_to(root)?;
    mount::mount(Some(c"."), c"/", None, mount::MS_MOVE, None)?;
    fs::change_root(c".")?;
    Ok(fs::change_dir(c"/")?)
}

/// `propagation` in the flags of mount(2), MS_REC among them.
pub fn change_root_mount(root: BorrowedFd<'_>, set: u64, propagation: u64) -> Outcome {
    let recursive = propagation & mount::MS_REC != 0;
    let attributes = Attributes { set, propagation: propagation & !mount::MS_REC, ..Attributes::default() };
    Ok(mount::set_attributes(root, &attributes, recursive)?)
}
