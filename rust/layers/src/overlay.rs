// SPDX-License-Identifier: Apache-2.0
//! Layers put on top of each other (overlayfs, Documentation/filesystems/overlayfs.rst).

use crate::error::{Error, Kind, Result};
use estiba_sys::fd::{CWD, OwnedFd};
use estiba_sys::{Errno, fs, mount, namespace};
use std::ffi::{CStr, CString};
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process};

/// OVL_MAX_STACK of the kernel.
const MOST_LOWERS: usize = 500;
/// What fits into the one page of mount(2)'s data, as other engines count it.
const MOST_LOWERS_BEFORE_6_5: usize = 127;
/// The longest string that fsconfig(2) takes is 255 bytes.
const LONGEST: usize = 255;

/// What is stacked. Paths are as the caller's thread sees them.
#[derive(Clone, Copy, Debug)]
pub struct Overlay<'a> {
    /// The layers that are only read, the bottom first.
    pub lowers: &'a [String],
    /// Takes the changes, with an empty folder of the same file system beside it; without them nothing can be changed.
    pub upper: Option<(&'a str, &'a str)>,
    /// Keep whiteouts in user.overlay.*: for mounts in a user namespace (Linux 5.11).
    pub rootless: bool,
    /// Leave out every sync(2) of the upper layer, also the one at the unmount (Linux 5.10).
    pub volatile: bool,
}

/// Gives the calling thread mounts of its own: it sees later mounts of others, and they see none of its.
pub fn private_mounts() -> Result<()> {
    namespace::unshare(namespace::MOUNT)
        .map_err(|errno| Error::refused("make a mount namespace", errno).hint("this needs CAP_SYS_ADMIN"))?;
    mount::mount(None, c"/", None, mount::MS_REC | mount::MS_SLAVE, None)
        .map_err(|errno| Error::refused("keep own mounts from the host's", errno))
}

/// A user namespace of the whole process's own, and a mount namespace in it; nobody's ids are mapped yet. For a process
/// of one thread (unshare(2)).
pub fn own_user_namespace() -> Result<()> {
    namespace::unshare(namespace::USER | namespace::MOUNT).map_err(|errno| {
        Error::refused("make a user namespace", errno).hint(
            "the host may forbid it to users: see user.max_user_namespaces and kernel.*userns* in sysctl",
        )
    })
}

/// Mounts the stack at `target`.
pub fn mount_overlay(target: &str, overlay: &Overlay<'_>) -> Result<()> {
    let made = make(overlay)?;
    let at = open_path(target)?;
    mount::attach_tree(made.borrow(), at.borrow())
        .map_err(|errno| Error::refused(format_args!("mount an overlay at {target:?}"), errno))
}

/// Mounts an empty file system in memory at `target`, for root alone: what must not reach a disk.
pub fn mount_memory(target: &str) -> Result<()> {
    let refused = |errno| Error::refused(format_args!("mount a tmpfs at {target:?}"), errno);
    let mut options = [(c"mode", Some(c"0700"))].into_iter();
    let attributes = mount::ATTR_NOSUID | mount::ATTR_NODEV | mount::ATTR_NOEXEC;
    let made = mount::new_filesystem(c"tmpfs", Some(c"tmpfs"), &mut options, attributes).map_err(refused)?;
    mount::attach_tree(made.borrow(), open_path(target)?.borrow()).map_err(refused)
}

/// Takes away the topmost mount at `target`, even while somebody is in it.
pub fn unmount(target: &str) -> Result<()> {
    mount::detach(&text(target)?).map_err(|errno| Error::refused(format_args!("unmount {target:?}"), errno))
}

/// The root of the stack as a folder to read, mounted nowhere: the last descriptor that is closed ends it.
pub fn open_overlay(overlay: &Overlay<'_>) -> Result<OwnedFd> {
    let made = make(overlay)?;
    fs::open(made.borrow(), c".", fs::O_RDONLY | fs::O_DIRECTORY, 0)
        .map_err(|errno| Error::refused("open an overlay", errno))
}

fn make(overlay: &Overlay<'_>) -> Result<OwnedFd> {
    let count = overlay.lowers.len();
    if count > MOST_LOWERS {
        return Err(too_many(count, MOST_LOWERS, "squash some of the image's layers into one"));
    }
    match (overlay.lowers, overlay.upper) {
        ([], _) => Err(Error::new(Kind::TreeInvalid, "an overlay needs at least one lower folder")),
        ([only], None) => read_only_view(only),
        _ => stack(overlay),
    }
}

/// One folder needs no overlay, and could not make one.
fn read_only_view(folder: &str) -> Result<OwnedFd> {
    let refused = |errno| Error::refused(format_args!("make a read-only view of {folder:?}"), errno);
    let tree = mount::clone_tree(CWD, &text(folder)?, false, true).map_err(refused)?;
    let attributes =
        mount::Attributes { set: mount::ATTR_RDONLY, propagation: mount::MS_PRIVATE, ..Default::default() };
    mount::set_attributes(tree.borrow(), &attributes, false).map_err(refused)?;
    Ok(tree)
}

fn stack(overlay: &Overlay<'_>) -> Result<OwnedFd> {
    let mut held = Vec::new();
    let lowers: Vec<CString> =
        overlay.lowers.iter().rev().map(|path| named(path, &mut held)).collect::<Result<_>>()?;
    let upper = match overlay.upper {
        Some((upper, work)) => Some((named(upper, &mut held)?, named(work, &mut held)?)),
        None => None,
    };
    let mut options: Vec<(&CStr, Option<&CStr>)> = fixed(overlay).collect();
    options.extend(lowers.iter().map(|path| (c"lowerdir+", Some(&**path))));
    if let Some((upper, work)) = &upper {
        options.extend([(c"upperdir", Some(&**upper)), (c"workdir", Some(&**work))]);
    }
    let attributes = if upper.is_some() { 0 } else { mount::ATTR_RDONLY };
    match mount::new_filesystem(c"overlay", Some(c"overlay"), &mut options.into_iter(), attributes) {
        // Before Linux 6.5 there is no "lowerdir+", and EINVAL is the answer for what it does not know.
        Err(Errno::EINVAL) => stack_by_one_string(overlay),
        made => made.map_err(|errno| refused(overlay, errno)),
    }
}

/// What is said whatever the kernel was built to do by itself: layers must mean the same on every host. Nothing of
/// "redirect" is followed, since it would let a layer name folders of others.
fn fixed<'a>(overlay: &Overlay<'_>) -> impl Iterator<Item = (&'a CStr, Option<&'a CStr>)> + use<'a> {
    [
        (true, c"redirect_dir", Some(c"nofollow")),
        (true, c"index", Some(c"off")),
        (true, c"metacopy", Some(c"off")),
        (overlay.rootless, c"userxattr", None),
        (overlay.volatile && overlay.upper.is_some(), c"volatile", None),
    ]
    .into_iter()
    .filter_map(|(wanted, key, value)| wanted.then_some((key, value)))
}

/// The same by mount(2) in its one page of text; short names by descriptor leave room for all the layers.
fn stack_by_one_string(overlay: &Overlay<'_>) -> Result<OwnedFd> {
    let count = overlay.lowers.len();
    if count > MOST_LOWERS_BEFORE_6_5 {
        return Err(too_many(count, MOST_LOWERS_BEFORE_6_5, "Linux 6.5 and newer stack up to 500"));
    }
    let mut held = Vec::new();
    let mut data = String::new();
    for (key, value) in fixed(overlay) {
        data.extend(key.to_str());
        data.extend(value.iter().flat_map(|value| ["=", value.to_str().unwrap_or_default()]));
        data.push(',');
    }
    for (position, path) in overlay.lowers.iter().rev().enumerate() {
        let start = if position == 0 { "lowerdir=" } else { ":" };
        let _ = write!(data, "{start}/proc/self/fd/{}", hold(path, &mut held)?);
    }
    if let Some((upper, work)) = overlay.upper {
        let upper = hold(upper, &mut held)?;
        let work = hold(work, &mut held)?;
        let _ = write!(data, ",upperdir=/proc/self/fd/{upper},workdir=/proc/self/fd/{work}");
    }
    let flags = if overlay.upper.is_some() { 0 } else { mount::MS_RDONLY };
    let data = text(&data)?;
    let place = Place::make()?;
    mount::mount(Some(c"overlay"), &place.0, Some(c"overlay"), flags, Some(&data))
        .map_err(|errno| refused(overlay, errno))?;
    let tree = mount::clone_tree(CWD, &place.0, false, true);
    let detached = mount::detach(&place.0);
    tree.and_then(|tree| detached.map(|()| tree)).map_err(|errno| refused(overlay, errno))
}

/// A folder to mount at for a moment: mount(2) cannot do without.
struct Place(CString);

impl Place {
    fn make() -> Result<Place> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("estiba-overlay-{}-{number}", process::id());
        let path = text(&env::temp_dir().join(name).to_string_lossy())?;
        fs::make_dir(CWD, &path, 0o700)
            .map_err(|errno| Error::refused(format_args!("make the folder {path:?}"), errno))?;
        Ok(Place(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir(CWD, &self.0);
    }
}

/// A path as fsconfig(2) takes it: short, and without what it would read as more than a name.
fn named(path: &str, held: &mut Vec<OwnedFd>) -> Result<CString> {
    if path.len() <= LONGEST && !path.contains(['\\', ':', ',']) {
        return text(path);
    }
    text(&format!("/proc/self/fd/{}", hold(path, held)?))
}

fn hold(path: &str, held: &mut Vec<OwnedFd>) -> Result<i32> {
    let opened = open_path(path)?;
    let number = opened.raw();
    held.push(opened);
    Ok(number)
}

fn open_path(path: &str) -> Result<OwnedFd> {
    fs::open(CWD, &text(path)?, fs::O_PATH | fs::O_DIRECTORY, 0)
        .map_err(|errno| Error::refused(format_args!("open the folder {path:?}"), errno))
}

fn text(path: &str) -> Result<CString> {
    CString::new(path).map_err(|_| Error::new(Kind::TreeInvalid, format!("{path:?} holds a NUL character")))
}

fn too_many(count: usize, most: usize, hint: &'static str) -> Error {
    let message = format!("cannot stack {count} layers: this kernel takes {most}");
    Error::new(Kind::HostUnsupported, message).hint(hint)
}

fn refused(overlay: &Overlay<'_>, errno: Errno) -> Error {
    let count = overlay.lowers.len();
    let error = match overlay.upper {
        Some((upper, _)) => Error::refused(format_args!("stack {upper:?} upon {count} layers"), errno),
        None => Error::refused(format_args!("stack {count} layers"), errno),
    };
    match errno {
        Errno::ENODEV => error.hint("this kernel has no overlayfs"),
        Errno::EPERM => error.hint("this needs CAP_SYS_ADMIN, in a user namespace Linux 5.11"),
        Errno::EINVAL => {
            error.hint("the upper folder's file system may not serve overlayfs; `dmesg` says why")
        }
        _ => error,
    }
}
