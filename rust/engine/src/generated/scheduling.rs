// SPDX-License-Identifier: Apache-2.0
//! CPU and I/O scheduling. Written by `python -m estiba.codegen`; do not edit.

/// SCHED_*.
pub const POLICIES: &[(&str, u32)] = &[
    ("SCHED_BATCH", 3),
    ("SCHED_DEADLINE", 6),
    ("SCHED_FIFO", 1),
    ("SCHED_IDLE", 5),
    ("SCHED_ISO", 4),
    ("SCHED_OTHER", 0),
    ("SCHED_RR", 2),
];

/// SCHED_FLAG_*.
pub const FLAGS: &[(&str, u32)] = &[
    ("SCHED_FLAG_DL_OVERRUN", 0x4),
    ("SCHED_FLAG_KEEP_PARAMS", 0x10),
    ("SCHED_FLAG_KEEP_POLICY", 0x8),
    ("SCHED_FLAG_RECLAIM", 0x2),
    ("SCHED_FLAG_RESET_ON_FORK", 0x1),
    ("SCHED_FLAG_UTIL_CLAMP_MAX", 0x40),
    ("SCHED_FLAG_UTIL_CLAMP_MIN", 0x20),
];

/// IOPRIO_CLASS_*.
pub const IO_CLASSES: &[(&str, u32)] =
    &[("IOPRIO_CLASS_BE", 2), ("IOPRIO_CLASS_IDLE", 3), ("IOPRIO_CLASS_RT", 1)];
