// SPDX-License-Identifier: Apache-2.0
//! Bind mounts: a detached copy of the source lands on the target that was opened in the root.

use crate::mounts::resolve_flags;
use crate::path::{make_dirs, make_file, make_parent, open_in, open_with};
use crate::plan::Detail;
use crate::run::{Failure, Outcome};
use crate::step::Links;
use core::ffi::CStr;
use estiba_sys::fd::{BorrowedFd, CWD, OwnedFd};
use estiba_sys::mount::{self, Attributes};
use estiba_sys::{Errno, fs};

/// A detached copy of what is mounted at `path` of the host.
pub fn clone_source(path: &CStr, recursive: bool, links: Links) -> Result<OwnedFd, Failure> {
    let follow = !(links.keep_source || links.copy_source);
    mount::clone_tree(CWD, path, recursive, follow)
        .map_err(|errno| Failure::new(Detail::SourceMissing, errno))
}

/// Returns what was mounted: nothing where the link at the source was copied.
pub fn bind(
    root: BorrowedFd<'_>,
    target: &CStr,
    strict: bool,
    tree: OwnedFd,
    links: Links,
    attributes: &Attributes,
) -> Result<Option<OwnedFd>, Failure> {
    let source = fs::status(tree.borrow())?;
    if links.copy_source && source.mode & fs::S_IFMT == fs::S_IFLNK {
        return copy_link(root, target, tree.borrow()).map(|()| None);
    }
    let is_dir = source.is_dir();
    let open = || open_target(root, target, strict, links.keep_target);
    let at = match open() {
        Err(Errno::ENOENT) => {
            let made = if is_dir { make_dirs(root, target, 0o755)? } else { make_file(root, target)? };
            if strict { open()? } else { made } // what is made follows links
        }
        found => found?,
    };
    if attributes.set != 0 || attributes.clear != 0 {
        mount::set_attributes(tree.borrow(), attributes, false)?;
    }
    if fs::status(at.borrow())?.is_dir() != is_dir {
        let errno = if is_dir { Errno::ENOTDIR } else { Errno::EISDIR };
        return Err(Failure::new(Detail::KindDiffers, errno));
    }
    mount::attach_tree(tree.borrow(), at.borrow())?;
    Ok(Some(tree))
}

fn open_target(root: BorrowedFd<'_>, target: &CStr, strict: bool, keep_link: bool) -> Result<OwnedFd, Errno> {
    if !keep_link {
        return open_in(root, target, resolve_flags(strict));
    }
    let at = open_with(root, target, fs::O_PATH | fs::O_NOFOLLOW, resolve_flags(strict))?;
    // A link of /proc is a door to somewhere else: nothing may hide it from the runtime.
    if fs::filesystem_type(at.borrow())? == fs::PROC_SUPER_MAGIC {
        return Err(Errno::ELOOP);
    }
    Ok(at)
}

/// The same link in the root. One that is there already has to name the same.
#[inline(never)]
fn copy_link(root: BorrowedFd<'_>, target: &CStr, link: BorrowedFd<'_>) -> Outcome {
    let (mut wanted, mut there) = ([0; 4096], [0; 4096]);
    let length = fs::read_link(link, c"", &mut wanted)?.len();
    let text = wanted.get(..=length).and_then(|text| CStr::from_bytes_with_nul(text).ok());
    let text = text.ok_or(Errno::ENAMETOOLONG)?;
    let (folder, name) = make_parent(root, target)?;
    match fs::make_symlink(text, folder.borrow(), name) {
        Err(Errno::EEXIST) => match fs::read_link(folder.borrow(), name, &mut there) {
            Ok(there) if there == text.to_bytes() => Ok(()),
            _ => Err(Errno::EEXIST.into()),
        },
        made => Ok(made?),
    }
}
