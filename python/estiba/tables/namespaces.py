# SPDX-License-Identifier: Apache-2.0
"""The kinds of namespaces: OCI name to (CLONE_NEW* flag, file in /proc/PID/ns)."""

NAMESPACES: dict[str, tuple[int, str]] = {
    "cgroup": (0x0200_0000, "cgroup"),
    "ipc": (0x0800_0000, "ipc"),
    "mount": (0x0002_0000, "mnt"),
    "network": (0x4000_0000, "net"),
    "pid": (0x2000_0000, "pid"),
    "time": (0x0000_0080, "time"),
    "user": (0x1000_0000, "user"),
    "uts": (0x0400_0000, "uts"),
}
