// SPDX-License-Identifier: Apache-2.0
//! Kinds of errors. Written by `python -m estiba.codegen`; do not edit.

/// What kind of thing went wrong; each is a class of estiba.errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Config.json breaks the runtime specification.
    ConfigInvalid,
    /// Config.json is valid, but asks for what this build or this host lacks.
    ConfigUnsupported,
    /// No container of this id under the state root.
    ContainerNotFound,
    /// A container of this id exists already.
    ContainerExists,
    /// The verb needs another state.
    WrongState,
    /// A kernel or host feature is missing.
    HostUnsupported,
    /// A system call failed.
    KernelRefused,
    /// A hook exited with an error or ran into its time-out.
    HookFailed,
    /// The container's program could not be executed.
    ExecFailed,
    /// A bug in estiba.
    InternalError,
}

impl ErrorKind {
    /// The word that people and programs read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConfigInvalid => "ConfigInvalid",
            Self::ConfigUnsupported => "ConfigUnsupported",
            Self::ContainerNotFound => "ContainerNotFound",
            Self::ContainerExists => "ContainerExists",
            Self::WrongState => "WrongState",
            Self::HostUnsupported => "HostUnsupported",
            Self::KernelRefused => "KernelRefused",
            Self::HookFailed => "HookFailed",
            Self::ExecFailed => "ExecFailed",
            Self::InternalError => "InternalError",
        }
    }
}

/// All of them.
pub const ERROR_KINDS: &[ErrorKind] = &[
    ErrorKind::ConfigInvalid,
    ErrorKind::ConfigUnsupported,
    ErrorKind::ContainerNotFound,
    ErrorKind::ContainerExists,
    ErrorKind::WrongState,
    ErrorKind::HostUnsupported,
    ErrorKind::KernelRefused,
    ErrorKind::HookFailed,
    ErrorKind::ExecFailed,
    ErrorKind::InternalError,
];
