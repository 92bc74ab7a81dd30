# SPDX-License-Identifier: Apache-2.0
"""Rules for `linux.devices`: nodes that mknod(2) can make."""

from __future__ import annotations

import stat
from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.spec.words import quote

MODE_BITS = 0o177777
"""Permissions, and the file type that some callers leave in from stat(2)."""


def check(config: Node) -> Iterator[Problem]:
    """Judge each device."""
    for device in config.at("linux", "devices").items():
        kind = device.at("type").text()
        for key in ("major", "minor") if kind in ("b", "c", "u") else ():
            if device.at(key).value is None:
                yield device.problem(f'"{key}" is missing, only a pipe ("p") has no numbers')
        path = device.at("path").text()
        if path.endswith(("/", "/.", "/..")):
            yield device.at("path").problem(f"{quote(path)} names a folder, not a device")
        mode = device.at("fileMode").number() or 0
        if mode > MODE_BITS or stat.S_IFMT(mode) not in (0, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO):
            yield device.at("fileMode").problem(
                f"{mode} is not a mode of a device", "JSON numbers are decimal: octal 0666 is 438"
            )
