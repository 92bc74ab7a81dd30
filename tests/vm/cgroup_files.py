# SPDX-License-Identifier: Apache-2.0
"""The files of a container's cgroup, read from the host."""

from __future__ import annotations

from pathlib import Path

from support.runtime import Container

MOUNT_POINT = Path("/sys/fs/cgroup")


def cgroup(container: Container) -> Path:
    """The folder of a container's cgroup."""
    return MOUNT_POINT / container.bundle.cgroup.lstrip("/")


def text(container: Container, name: str) -> str:
    """What a file says."""
    return (cgroup(container) / name).read_text().strip()


def numbers(container: Container, name: str) -> dict[str, int]:
    """A file of `KEY NUMBER` lines."""
    pairs = (line.split() for line in text(container, name).splitlines())
    return {key: int(number) for key, number in pairs}


def of_device(container: Container, name: str, device: str) -> dict[str, str]:
    """The `KEY=VALUE` words of the line for a device, "254:48"; none if there is no such line."""
    for line in text(container, name).splitlines():
        first, *rest = line.split()
        if first == device:
            return dict(word.split("=", 1) for word in rest)
    return {}
