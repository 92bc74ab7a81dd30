// SPDX-License-Identifier: Apache-2.0
//! The one error of this crate: a kind for programs, a line for people, the facts that were in hand.

use estiba_sys::Errno;
use std::fmt::{self, Display};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Each is a class of estiba.errors of the same name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The archive is whole, and is not a layer, or asks for what a layer may not do.
    LayerInvalid,
    /// The bytes are not those that were promised.
    BlobCorrupt,
    /// A tree has what cannot be copied, or cannot take what is copied into it.
    TreeInvalid,
    /// A system call failed.
    KernelRefused,
    /// The kernel lacks what was asked for.
    HostUnsupported,
    /// The caller asked for what does not exist.
    ArgumentInvalid,
    /// A bug in estiba.
    InternalError,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::LayerInvalid => "LayerInvalid",
            Kind::BlobCorrupt => "BlobCorrupt",
            Kind::TreeInvalid => "TreeInvalid",
            Kind::KernelRefused => "KernelRefused",
            Kind::HostUnsupported => "HostUnsupported",
            Kind::ArgumentInvalid => "ArgumentInvalid",
            Kind::InternalError => "InternalError",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub kind: Kind,
    /// Where and what; the words for `errno` are the edge's to add.
    pub message: String,
    pub errno: Option<Errno>,
    pub hint: Option<&'static str>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error { kind, ..Error::invalid(message) }
    }

    pub fn invalid(message: impl Into<String>) -> Error {
        Error { kind: Kind::LayerInvalid, message: message.into(), errno: None, hint: None }
    }

    pub fn corrupt(message: impl Into<String>) -> Error {
        Error { kind: Kind::BlobCorrupt, ..Error::invalid(message) }
    }

    pub fn argument(message: impl Into<String>) -> Error {
        Error { kind: Kind::ArgumentInvalid, ..Error::invalid(message) }
    }

    pub fn internal(message: impl Into<String>) -> Error {
        Error { kind: Kind::InternalError, ..Error::invalid(message) }
    }

    /// A system call failed: "cannot DO".
    pub fn refused(doing: impl Display, errno: Errno) -> Error {
        let message = format!("cannot {doing}");
        Error { kind: Kind::KernelRefused, errno: Some(errno), ..Error::invalid(message) }
    }

    /// A system call failed for an entry: where no host could do what is asked, the layer is to blame.
    pub fn by_entry(doing: impl Display, errno: Errno) -> Error {
        let kind = match errno {
            Errno::ENAMETOOLONG | Errno::ELOOP | Errno::ENOTDIR | Errno::EINVAL | Errno::ENOENT => {
                Kind::LayerInvalid
            }
            _ => Kind::KernelRefused,
        };
        Error { kind, ..Error::refused(doing, errno) }
    }

    #[must_use]
    pub fn hint(mut self, hint: &'static str) -> Error {
        self.hint = Some(hint);
        self
    }

    /// Says where: "layer, entry 3 "usr/bin/x" at byte 1536".
    #[must_use]
    pub fn within(mut self, place: impl Display) -> Error {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.errno.map_or(Ok(()), |errno| write!(f, ": errno {}", errno.0))
    }
}

impl std::error::Error for Error {}

/// A path for people: quoted, control characters escaped, cut where it is long.
pub struct Quoted<'a>(pub &'a [u8]);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 200;
        let text = String::from_utf8_lossy(self.0.get(..LONGEST).unwrap_or(self.0));
        f.write_str("\"")?;
        for letter in text.chars() {
            if letter.is_control() || letter == '"' || letter == '\\' {
                write!(f, "{}", letter.escape_default())?;
            } else {
                write!(f, "{letter}")?;
            }
        }
        f.write_str(if self.0.len() > LONGEST { "...\"" } else { "\"" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_paths_are_one_short_line() {
        assert_eq!(Quoted(b"a\n\"b\\").to_string(), r#""a\n\"b\\""#);
        assert_eq!(Quoted("é".as_bytes()).to_string(), "\"é\"");
        assert!(Quoted(&[b'x'; 4000]).to_string().len() < 210);
    }
}
