// SPDX-License-Identifier: Apache-2.0
//! The engine's one error: a kind for programs, one line for people, and the facts that were in hand.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt;
use estiba_sys::Errno;

pub type Result<T> = core::result::Result<T, Error>;

macro_rules! kinds {
    ($($name:ident),* $(,)?) => {
        /// Each is a class of the same name in estiba.errors, where its meaning is written.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum ErrorKind { $($name),* }

        impl ErrorKind {
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$name),*];

            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$name => stringify!($name)),* }
            }
        }
    };
}

kinds! {
    ConfigInvalid, ConfigUnsupported, ContainerNotFound, ContainerExists, WrongState, HostUnsupported, KernelRefused,
    HookFailed, ExecFailed, InternalError,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    /// What and the cause, one line; where is in `pointer`.
    pub message: String,
    /// JSON pointer into config.json.
    pub pointer: Option<String>,
    pub errno: Option<Errno>,
    pub hint: Option<Cow<'static, str>>,
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), pointer: None, errno: None, hint: None }
    }

    /// A system call on `what` failed: "cannot DO WHAT: access refused (EACCES)".
    pub fn refused(doing: impl fmt::Display, errno: Errno) -> Error {
        let message = format!("cannot {doing}: {}", words(errno));
        Error { kind: ErrorKind::KernelRefused, message, pointer: None, errno: Some(errno), hint: None }
    }

    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InternalError, message)
    }

    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Error {
        self.pointer = Some(pointer.into());
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
            write!(f, "config.json {pointer}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

/// The house's words for an error number. The kernel's own phrases are an interface that callers act on, so they
/// stand only where the caller should: see `generated::phrases`.
pub fn words(errno: Errno) -> Cow<'static, str> {
    let known = match errno {
        Errno::EPERM => "not allowed (EPERM)",
        Errno::ENOENT => "absent (ENOENT)",
        Errno::ESRCH => "the process is gone (ESRCH)",
        Errno::EACCES => "access refused (EACCES)",
        Errno::EBUSY => "in use (EBUSY)",
        Errno::EEXIST => "there already (EEXIST)",
        Errno::ENODEV => "unknown to this kernel (ENODEV)",
        Errno::ENOTDIR => "a part of the path is no directory (ENOTDIR)",
        Errno::EISDIR => "it is a directory (EISDIR)",
        Errno::EINVAL => "the kernel refuses the arguments (EINVAL)",
        Errno::ENOSPC => "no space or quota left (ENOSPC)",
        Errno::EROFS => "the file system is read-only (EROFS)",
        Errno::ELOOP => "too many symbolic links (ELOOP)",
        Errno::ENOSYS => "this kernel lacks the call (ENOSYS)",
        Errno::ENOMEM => "out of memory or over a limit (ENOMEM)",
        Errno::ENAMETOOLONG => "the name is too long (ENAMETOOLONG)",
        Errno::EXDEV => "the path leaves its root (EXDEV)",
        Errno(number) => return Cow::Owned(format!("errno {number}")),
    };
    Cow::Borrowed(known)
}
