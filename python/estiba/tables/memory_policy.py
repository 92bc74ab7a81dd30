# SPDX-License-Identifier: Apache-2.0
"""NUMA memory policy: OCI names to the kernel's numbers (linux/mempolicy.h)."""

MEMORY_POLICY_MODES: dict[str, int] = {
    "MPOL_DEFAULT": 0,
    "MPOL_PREFERRED": 1,
    "MPOL_BIND": 2,
    "MPOL_INTERLEAVE": 3,
    "MPOL_LOCAL": 4,
    "MPOL_PREFERRED_MANY": 5,
    "MPOL_WEIGHTED_INTERLEAVE": 6,
}

MEMORY_POLICY_FLAGS: dict[str, int] = {
    "MPOL_F_STATIC_NODES": 1 << 15,
    "MPOL_F_RELATIVE_NODES": 1 << 14,
    "MPOL_F_NUMA_BALANCING": 1 << 13,
}
"""They are or-ed to the mode."""

WITHOUT_NODES: tuple[str, ...] = ("MPOL_DEFAULT", "MPOL_LOCAL")
"""Modes for which set_mempolicy(2) refuses nodes."""

WITH_NODES: tuple[str, ...] = (
    "MPOL_BIND",
    "MPOL_INTERLEAVE",
    "MPOL_WEIGHTED_INTERLEAVE",
    "MPOL_PREFERRED_MANY",
)
"""Modes for which it refuses an empty set of nodes."""
