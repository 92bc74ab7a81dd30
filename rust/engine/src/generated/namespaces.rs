// SPDX-License-Identifier: Apache-2.0
//! Namespaces. Written by `python -m estiba.codegen`; do not edit.

/// OCI name to (CLONE_NEW*, file in /proc/PID/ns).
pub const NAMESPACES: &[(&str, (u64, &str))] = &[
    ("cgroup", (0x2000000, "cgroup")),
    ("ipc", (0x8000000, "ipc")),
    ("mount", (0x20000, "mnt")),
    ("network", (0x40000000, "net")),
    ("pid", (0x20000000, "pid")),
    ("time", (0x80, "time")),
    ("user", (0x10000000, "user")),
    ("uts", (0x4000000, "uts")),
];
