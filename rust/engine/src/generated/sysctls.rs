// SPDX-License-Identifier: Apache-2.0
//! Kernel parameters that a namespace has for itself. Written by `python -m estiba.codegen`; do not edit.

/// Name to the kind of namespace.
pub const SYSCTLS: &[(&str, &str)] = &[
    ("kernel.domainname", "uts"),
    ("kernel.msgmax", "ipc"),
    ("kernel.msgmnb", "ipc"),
    ("kernel.msgmni", "ipc"),
    ("kernel.sem", "ipc"),
    ("kernel.shm_rmid_forced", "ipc"),
    ("kernel.shmall", "ipc"),
    ("kernel.shmmax", "ipc"),
    ("kernel.shmmni", "ipc"),
];
