// SPDX-License-Identifier: Apache-2.0
//! What is copied or digested: a path inside a root, less what filters leave out.

use super::filter::{Filter, Matched};
use super::place::{self, Found, quoted};
use crate::error::{Error, Kind, Result};
use estiba_sys::Errno;
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::inode::Details;

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

/// A source that was found. Patterns see where it is, whatever links and ".." led to it.
pub struct Opened<'a> {
    /// Opened with O_PATH.
    pub fd: OwnedFd,
    pub details: Details,
    source: &'a Source<'a>,
    /// From the root, without links.
    path: Vec<u8>,
}

impl Source<'_> {
    /// Finds it; what the ignore file leaves out is not there, nor what a link leads to that is left out.
    pub fn open(&self) -> Result<Opened<'_>> {
        let Found { fd, details, path, links } = place::find(self.root, self.path)?;
        let is_left_out = self.ignored.leaves_out_path(&path) && !self.ignored.may_take_back_below(&path);
        if !path.is_empty() && is_left_out || links.iter().any(|link| self.ignored.leaves_out_path(link)) {
            let error =
                Error::new(Kind::TreeInvalid, quoted(self.path)).hint("the ignore file leaves it out");
            return Err(Error { errno: Some(Errno::ENOENT), ..error });
        }
        Ok(Opened { fd, details, source: self, path })
    }
}

impl Opened<'_> {
    /// What entries of the source itself inherit.
    pub fn top(&self) -> Above {
        let ignored = if self.path.is_empty() {
            Matched::default()
        } else {
            self.ignored().matched(&self.path, &self.ignored().matched_above(&self.path))
        };
        Above { ignored, excluded: Matched::default() }
    }

    /// Whether the entry `path`, counted from the source, is left out.
    pub fn leaves_out(&self, path: &[u8], above: &Above) -> bool {
        self.source.excluded.leaves_out(path, &above.excluded)
            || !self.ignored().is_empty() && self.ignored().leaves_out(&self.whole_path(path), &above.ignored)
    }

    /// What entries of the folder `path` inherit, if there is any reason to enter it.
    pub fn enter(&self, path: &[u8], above: &Above, is_left_out: bool) -> Option<Above> {
        let (whole, excluded) = (self.whole_path(path), self.source.excluded);
        if is_left_out && !excluded.may_take_back_below(path) && !self.ignored().may_take_back_below(&whole) {
            return None;
        }
        Some(Above {
            ignored: self.ignored().matched(&whole, &above.ignored),
            excluded: excluded.matched(path, &above.excluded),
        })
    }

    fn ignored(&self) -> &Filter {
        self.source.ignored
    }

    /// The path of an entry as the ignore file's patterns see it: from the root.
    fn whole_path(&self, below: &[u8]) -> Vec<u8> {
        if self.path.is_empty() { below.to_vec() } else { [&self.path[..], below].join(&b'/') }
    }
}
