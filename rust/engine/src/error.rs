// SPDX-License-Identifier: Apache-2.0
//! The engine's one error: a kind for programs, one line for people, and the facts that were in hand.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;
use estiba_sys::Errno;

use crate::generated::errnos::ERRNOS;
pub use crate::generated::errors::ErrorKind;

pub type Result<T> = core::result::Result<T, Error>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    /// What and the cause, one line; where is in `pointer`.
    pub message: String,
    /// JSON pointer into `document`.
    pub pointer: Option<String>,
    /// "config.json", or "process.json" for the process object of exec.
    pub document: &'static str,
    pub errno: Option<Errno>,
    pub hint: Option<Cow<'static, str>>,
    /// Of init's steps, the one that failed and how many there are, counted from 1.
    pub step: Option<(u32, usize)>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let (message, document) = (message.into(), "config.json");
        Error { kind, message, pointer: None, document, errno: None, hint: None, step: None }
    }

    /// A system call on `what` failed: "cannot DO WHAT: access refused (EACCES)".
    pub fn refused(doing: impl fmt::Display, errno: Errno) -> Error {
        let message = format!("cannot {doing}: {}", words(errno));
        Error { errno: Some(errno), ..Error::new(ErrorKind::KernelRefused, message) }
    }

    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InternalError, message)
    }

    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Error {
        self.pointer = Some(pointer.into());
        self
    }

    /// What is wrong with the `process` of a config is, in exec, wrong with its process object.
    #[must_use]
    pub fn of_process_object(mut self) -> Error {
        if let Some(below) = self.pointer.as_deref().and_then(|pointer| pointer.strip_prefix("/process/")) {
            self.pointer = Some(format!("/{below}"));
            self.document = "process.json";
        }
        self
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.hint = Some(hint.into());
        self
    }
}

/// The line that people and callers read: where, what, the cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pointer) = &self.pointer {
            write!(f, "{} {pointer}: ", self.document)?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

/// The house's words for an error number (estiba.tables.phrases). The kernel's own phrases are an interface that
/// callers act on, so they stand only where the caller should: see `generated::phrases`.
pub fn words(errno: Errno) -> String {
    let found = ERRNOS.binary_search_by_key(&errno.0, |known| known.0).ok().and_then(|at| ERRNOS.get(at));
    match found {
        Some((_, (name, ""))) => String::from(*name),
        Some((_, (name, words))) => format!("{words} ({name})"),
        None => format!("errno {}", errno.0),
    }
}
