// SPDX-License-Identifier: Apache-2.0
//! NUMA memory policy. Written by `python -m estiba.codegen`; do not edit.

/// MPOL_*.
pub const MODES: &[(&str, u32)] = &[
    ("MPOL_BIND", 2),
    ("MPOL_DEFAULT", 0),
    ("MPOL_INTERLEAVE", 3),
    ("MPOL_LOCAL", 4),
    ("MPOL_PREFERRED", 1),
    ("MPOL_PREFERRED_MANY", 5),
    ("MPOL_WEIGHTED_INTERLEAVE", 6),
];

/// MPOL_F_*.
pub const FLAGS: &[(&str, u32)] =
    &[("MPOL_F_NUMA_BALANCING", 0x2000), ("MPOL_F_RELATIVE_NODES", 0x4000), ("MPOL_F_STATIC_NODES", 0x8000)];
