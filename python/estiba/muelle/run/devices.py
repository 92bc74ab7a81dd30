# SPDX-License-Identifier: Apache-2.0
"""Devices of the host that a container is given."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Any

from estiba.errors import ArgumentInvalid, cause
from estiba.spec.words import quote

ACCESS = "rwm"
OWN = ("pts", "shm", "mqueue", "console", "fd", "core", "stdin", "stdout", "stderr")
"""Entries of /dev that each container has of its own."""


def devices(given: list[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Read --device PATH[:TARGET[:rwm]]; return linux.devices and the rules that allow them. Raises ArgumentInvalid."""
    made, rules = [], []
    for text in given:
        source, _colon, rest = text.partition(":")
        target, _colon, access = rest.partition(":")
        if target and not target.startswith("/"):
            target, access = "", target
        access = access or ACCESS
        if not set(access) <= set(ACCESS):
            raise ArgumentInvalid(f"--device: {quote(access)} is not made of r, w and m")
        found = _device(source, target or source)
        made.append(found)
        rules.append(
            {
                "allow": True,
                "type": found["type"],
                "major": found["major"],
                "minor": found["minor"],
                "access": access,
            }
        )
    return made, rules


def _device(source: str, target: str) -> dict[str, Any]:
    try:
        status = os.stat(source)
    except OSError as error:
        raise ArgumentInvalid(f"--device: {quote(source)}: {cause(error.errno)}") from None
    found = described(target, status)
    if found is None:
        raise ArgumentInvalid(f"--device: {quote(source)} is not a device")
    return found


def described(path: str, status: os.stat_result) -> dict[str, Any] | None:
    """Return an entry of linux.devices; None for what is no device."""
    kind = "c" if stat.S_ISCHR(status.st_mode) else "b" if stat.S_ISBLK(status.st_mode) else None
    if kind is None:
        return None
    return {
        "path": path,
        "type": kind,
        "major": os.major(status.st_rdev),
        "minor": os.minor(status.st_rdev),
        "fileMode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }


def host_devices() -> list[dict[str, Any]]:
    """Return every device below /dev but those that each container has of its own."""
    return list(_below("/dev"))


def _below(folder: str) -> Iterator[dict[str, Any]]:
    for entry in sorted(os.scandir(folder), key=lambda each: each.name):
        if folder == "/dev" and (entry.name in OWN or entry.name.startswith(".")):
            continue
        if entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _below(entry.path)
        elif found := described(entry.path, entry.stat()):
            yield found
