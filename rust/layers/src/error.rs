// SPDX-License-Identifier: Apache-2.0
//! The one error of this crate: a kind that Python knows as a class, one line for people, the kernel's number.

use estiba_sys::Errno;
use std::borrow::Cow;
use std::fmt;

pub type Result<T> = std::result::Result<T, Error>;

/// Each is the name of a class of estiba.errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// A layer's archive is not one, or reaches out of its tree.
    LayerInvalid,
    /// The bytes are not those that their digest or size promised.
    BlobCorrupt,
    /// A tree has what a copy cannot be made of, or into.
    TreeInvalid,
    /// A system call failed.
    KernelRefused,
    /// The kernel lacks what was asked for.
    HostUnsupported,
}

impl ErrorKind {
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::LayerInvalid => "LayerInvalid",
            ErrorKind::BlobCorrupt => "BlobCorrupt",
            ErrorKind::TreeInvalid => "TreeInvalid",
            ErrorKind::KernelRefused => "KernelRefused",
            ErrorKind::HostUnsupported => "HostUnsupported",
        }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    /// Where and what, one line. The words for `errno` are put behind it where the error leaves Rust.
    pub message: String,
    pub errno: Option<Errno>,
    pub hint: Option<Cow<'static, str>>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), errno: None, hint: None }
    }

    /// A system call failed: "cannot DOING", and the number's words.
    pub fn refused(doing: impl fmt::Display, errno: Errno) -> Error {
        Error { errno: Some(errno), ..Error::new(ErrorKind::KernelRefused, format!("cannot {doing}")) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
