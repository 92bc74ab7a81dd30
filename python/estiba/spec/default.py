# SPDX-License-Identifier: Apache-2.0
"""The config.json that `estiba spec` writes: a shell in the namespaces and mounts of a usual container."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

from collections.abc import Iterable

# The oldest version that has all that is used below: a lower number is understood by more runtimes.
OCI_VERSION = "1.2.0"

CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")

NAMESPACES = ("pid", "network", "ipc", "uts", "mount", "cgroup")

# Kernel state of the host that a container has no business to read.
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)

READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def default_config(*, rootless: bool = False, uid: int = 0, gid: int = 0) -> dict[str, Any]:
    """Make the config of a new bundle; with `rootless` one that the user `uid`:`gid` can run without root."""
    return {
        "ociVersion": OCI_VERSION,
        "process": _process(),
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "estiba",
        "mounts": _mounts(rootless=rootless),
        "linux": _linux_rootless(uid, gid) if rootless else _linux(),
    }


def _process() -> dict[str, object]:
    return {
        "terminal": True,
        "user": {"uid": 0, "gid": 0},
        "args": ["sh"],
        "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
        "cwd": "/",
        "capabilities": {name: list(CAPABILITIES) for name in ("bounding", "effective", "permitted")},
        "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        "noNewPrivileges": True,
    }


def _mounts(*, rootless: bool) -> list[dict[str, object]]:
    hardened = ("nosuid", "noexec", "nodev")
    devpts = ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620")
    # Group 5 (tty) is unmapped where only one id is mapped, and sysfs needs an owned network namespace.
    sysfs = (
        _mount("/sys", "none", "/sys", ("rbind", *hardened, "ro"))
        if rootless
        else _mount("/sys", "sysfs", "sysfs", (*hardened, "ro"))
    )
    return [
        _mount("/proc", "proc", "proc", ()),
        _mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        _mount("/dev/pts", "devpts", "devpts", devpts if rootless else (*devpts, "gid=5")),
        _mount("/dev/shm", "tmpfs", "shm", (*hardened, "mode=1777", "size=65536k")),
        _mount("/dev/mqueue", "mqueue", "mqueue", hardened),
        sysfs,
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", (*hardened, "relatime", "ro")),
    ]


def _mount(destination: str, kind: str, source: str, options: Iterable[str]) -> dict[str, object]:
    mount: dict[str, object] = {"destination": destination, "type": kind, "source": source}
    listed = list(options)
    if listed:
        mount["options"] = listed
    return mount


def _linux() -> dict[str, object]:
    return {
        "resources": {"devices": [{"allow": False, "access": "rwm"}]},
        "namespaces": [{"type": name} for name in NAMESPACES],
        **_paths(),
    }


def _linux_rootless(uid: int, gid: int) -> dict[str, object]:
    # No limits: they need a cgroup that the user owns, which only the host can tell.
    return {
        "uidMappings": [{"containerID": 0, "hostID": uid, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": gid, "size": 1}],
        "namespaces": [{"type": name} for name in (*NAMESPACES, "user") if name != "network"],
        **_paths(),
    }


def _paths() -> dict[str, object]:
    return {"maskedPaths": list(MASKED_PATHS), "readonlyPaths": list(READONLY_PATHS)}
