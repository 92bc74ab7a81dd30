# SPDX-License-Identifier: Apache-2.0
"""Devices: does an image that has its own /dev leave room for those that every container gets?"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path

from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.tables.devices import DEFAULT_DEVICES


def check(config: Node, rootfs: Path) -> Iterator[Problem]:
    """Judge what the image has where a device is to be made."""
    destinations = [mount.at("destination").text() for mount in config.at("mounts").items()]
    if "/dev" in [posixpath.normpath("/" + each.lstrip("/")) for each in destinations]:
        return
    for device, numbers in DEFAULT_DEVICES.items():
        path = rootfs / device[1:]
        try:
            found = os.lstat(path)
        except OSError:
            continue
        if not stat.S_ISCHR(found.st_mode) or (os.major(found.st_rdev), os.minor(found.st_rdev)) != numbers:
            hint = "remove it from the image, or mount a tmpfs on /dev"
            yield config.at("root", "path").problem(f'"{path}" is in the way of the device', hint)
