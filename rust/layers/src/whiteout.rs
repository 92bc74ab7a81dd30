// SPDX-License-Identifier: Apache-2.0
//! How a layer says that something below it is gone (image-spec, layer.md), and how overlayfs does.
//!
//!     archive               overlay
//!     .wh.NAME              NAME, a character device 0:0
//!     .wh..wh..opq          trusted.overlay.opaque=y on the folder; without privileges user.overlay.opaque
//!
//! AUFS left other `.wh..wh.*` names in old images: they mean nothing, and are passed over as other tools do.

use crate::{Error, Result};
use estiba_sys::fs::{S_IFCHR, S_IFMT};
use std::ffi::CStr;

pub const PREFIX: &[u8] = b".wh.";
pub const OPAQUE: &[u8] = b".wh..wh..opq";

/// What the last part of an entry's path says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mark<'a> {
    /// This name below is hidden.
    Hides(&'a [u8]),
    /// All below of the folder is hidden.
    Opaque,
    /// AUFS's own.
    Meaningless,
}

/// The mark that `base` is, if it is one.
pub fn mark(base: &[u8]) -> Result<Option<Mark<'_>>> {
    let Some(hidden) = base.strip_prefix(PREFIX) else { return Ok(None) };
    match hidden {
        _ if base == OPAQUE => Ok(Some(Mark::Opaque)),
        b"" | b"." | b".." => Err(Error::invalid("a whiteout of no name")),
        _ if hidden.starts_with(PREFIX) => Ok(Some(Mark::Meaningless)),
        _ => Ok(Some(Mark::Hides(hidden))),
    }
}

/// Whether an inode of this mode and device is overlayfs's whiteout.
pub fn is_overlay_whiteout(mode: u32, node: u64) -> bool {
    mode & S_IFMT == S_IFCHR && node == 0
}

/// The attribute that makes a folder opaque.
pub fn opaque_attribute(rootless: bool) -> &'static CStr {
    if rootless { c"user.overlay.opaque" } else { c"trusted.overlay.opaque" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_told_from_names() {
        assert_eq!(mark(b"wh.a"), Ok(None));
        assert_eq!(mark(b".wh.a"), Ok(Some(Mark::Hides(b"a"))));
        assert_eq!(mark(b".wh..a"), Ok(Some(Mark::Hides(b".a"))));
        assert_eq!(mark(b".wh..wh..opq"), Ok(Some(Mark::Opaque)));
        assert_eq!(mark(b".wh..wh.plnk"), Ok(Some(Mark::Meaningless)));
    }

    #[test]
    fn a_whiteout_never_hides_the_folder_or_its_parent() {
        for base in [&b".wh."[..], b".wh..", b".wh..."] {
            assert!(mark(base).is_err());
        }
    }
}
