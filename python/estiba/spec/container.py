# SPDX-License-Identifier: Apache-2.0
"""The config of a container as engines make them: what Docker gives to one that asks for nothing.

`default_config` is for people who begin a bundle by hand; this one is for programs that fill in an image's settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from estiba.spec.default import MASKED_PATHS, OCI_VERSION, READONLY_PATHS, default_config

CAPABILITIES = (
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
"""What Docker leaves to a container."""

NAMESPACES = ("pid", "ipc", "uts", "mount", "cgroup")
SHM_BYTES = 64 << 20


def container_config(
    *,
    rootfs: str,
    args: Sequence[str],
    env: Sequence[str] = (),
    cwd: str = "/",
    user: dict[str, Any] | None = None,
    capabilities: Sequence[str] = CAPABILITIES,
    hostname: str | None = None,
    has_host_network: bool = False,
    is_privileged: bool = False,
    is_rootless: bool = False,
    has_seccomp: bool = True,
    shm_bytes: int = SHM_BYTES,
) -> dict[str, Any]:
    """Make a config: `rootfs` is root.path, `user` the OCI user object (root by default).

    A program whose user is not root keeps no capability but in its bounding set, as with Docker. A privileged one has
    the whole of /proc, /sys and the devices before it; which `capabilities` it has, the caller says all the same.
    Rootless (in a user namespace of one's own), /sys is the host's where the network is: the kernel mounts a new one
    for whoever owns the network namespace alone.
    """
    identity = user or {"uid": 0, "gid": 0}
    held = list(capabilities) if not identity["uid"] else []
    linux: dict[str, Any] = {
        "namespaces": [{"type": name} for name in (*NAMESPACES, *(() if has_host_network else ("network",)))],
        "resources": {"devices": [{"allow": is_privileged, "access": "rwm"}]},
    }
    if not is_privileged:
        linux |= {"maskedPaths": list(MASKED_PATHS), "readonlyPaths": list(READONLY_PATHS)}
        if has_seccomp:
            from estiba.spec.seccomp_profile import default_profile

            linux["seccomp"] = default_profile(capabilities)
    config: dict[str, Any] = {
        "ociVersion": OCI_VERSION,
        "process": {
            "terminal": False,
            "user": identity,
            "args": list(args),
            "env": list(env),
            "cwd": cwd,
            "capabilities": {
                "bounding": list(capabilities),
                "effective": held,
                "permitted": held,
            },
        },
        "root": {"path": rootfs},
        "mounts": mounts(
            is_privileged=is_privileged,
            is_rootless=is_rootless,
            has_host_network=has_host_network,
            shm_bytes=shm_bytes,
        ),
        "linux": linux,
    }
    if hostname is not None:
        config["hostname"] = hostname
    return config


def mounts(
    *, is_privileged: bool, is_rootless: bool, has_host_network: bool, shm_bytes: int
) -> list[dict[str, Any]]:
    """Return what is mounted in every container; a privileged one may write to /sys."""
    listed: Any = default_config()["mounts"]
    for mount in listed:
        options = mount.get("options", [])
        if is_rootless and mount["destination"] == "/dev/pts":
            options = [
                each for each in options if each != "gid=5"
            ]  # tty is mapped for those with ranges alone
        if is_rootless and has_host_network and mount["destination"] == "/sys":
            mount |= {"type": "none", "source": "/sys"}
            options = ["rbind", *options]
        if mount["destination"] == "/proc":
            options = ["nosuid", "noexec", "nodev"]
        if mount["destination"] == "/dev/shm":
            options = [*(each for each in options if not each.startswith("size=")), f"size={shm_bytes}"]
        if is_privileged:
            options = [each for each in options if each != "ro"]
        mount["options"] = options
    return list(listed)
