// SPDX-License-Identifier: Apache-2.0
//! What is copied or digested: a path inside a root, less what filters leave out.

use super::filter::{Filter, Matched};
use super::place::{open_in, quoted};
use crate::error::{Error, Kind, Result};
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::inode::{Details, details_at};
use estiba_sys::{Errno, fs};
use std::ffi::CString;

#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub root: BorrowedFd<'a>,
    /// Inside the root; links in it are followed, also at its end.
    pub path: &'a [u8],
    /// By paths from the root: what is not there at all, as far as this copy goes.
    pub ignored: &'a Filter,
    /// By paths from the source.
    pub excluded: &'a Filter,
}

/// What both filters say of a folder's entries.
#[derive(Clone, Debug, Default)]
pub struct Above {
    ignored: Matched,
    excluded: Matched,
}

impl Source<'_> {
    /// Opens it with O_PATH.
    pub fn open(&self) -> Result<(OwnedFd, Details)> {
        let named = quoted(self.path);
        let whole = self.whole_path(b"");
        if !whole.is_empty() && self.ignored.leaves_out_path(&whole) && !self.may_hold_more(&whole) {
            return Err(Error { errno: Some(Errno::ENOENT), ..Error::new(Kind::TreeInvalid, named) }
                .hint("the ignore file leaves it out"));
        }
        let path = CString::new(self.path)
            .map_err(|_| Error::new(Kind::TreeInvalid, format!("{named} holds a NUL character")))?;
        let fd = open_in(self.root, &path, fs::O_PATH).map_err(|errno| match errno {
            Errno::ENOENT => Error { errno: Some(errno), ..Error::new(Kind::TreeInvalid, &*named) },
            _ => Error::refused(format_args!("open {named}"), errno),
        })?;
        let details = details_at(fd.borrow(), c"")
            .map_err(|errno| Error::refused(format_args!("look at {named}"), errno))?;
        Ok((fd, details))
    }

    /// The path as the ignore file's patterns see it: from the root, without what means nothing.
    fn whole_path(&self, below: &[u8]) -> Vec<u8> {
        let parts = self.path.split(|byte| *byte == b'/').chain([below]);
        let kept: Vec<&[u8]> = parts.filter(|part| !part.is_empty() && *part != b".").collect();
        kept.join(&b'/')
    }

    fn may_hold_more(&self, whole: &[u8]) -> bool {
        self.ignored.may_take_back_below(whole)
    }

    /// What entries of the source itself inherit.
    pub fn top(&self) -> Above {
        let path = self.whole_path(b"");
        let ignored = if path.is_empty() {
            Matched::default()
        } else {
            self.ignored.matched(&path, &self.ignored.matched_above(&path))
        };
        Above { ignored, excluded: Matched::default() }
    }

    /// Whether the entry `path`, counted from the source, is left out.
    pub fn leaves_out(&self, path: &[u8], above: &Above) -> bool {
        self.excluded.leaves_out(path, &above.excluded)
            || !self.ignored.is_empty() && self.ignored.leaves_out(&self.whole_path(path), &above.ignored)
    }

    /// What entries of the folder `path` inherit, if there is any reason to enter it.
    pub fn enter(&self, path: &[u8], above: &Above, is_left_out: bool) -> Option<Above> {
        let whole = self.whole_path(path);
        if is_left_out
            && !self.excluded.may_take_back_below(path)
            && !self.ignored.may_take_back_below(&whole)
        {
            return None;
        }
        Some(Above {
            ignored: self.ignored.matched(&whole, &above.ignored),
            excluded: self.excluded.matched(path, &above.excluded),
        })
    }
}
