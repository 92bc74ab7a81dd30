# SPDX-License-Identifier: Apache-2.0
"""Mounts: are their sources there, of the kind of their destinations, does the kernel know their file systems?"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from estiba.check.inside import Inside
from estiba.check.presence import lacks
from estiba.problems import Problem
from estiba.spec.mounts import BIND
from estiba.spec.node import Node


def check(config: Node, bundle: Path, inside: Inside) -> Iterator[Problem]:
    """Judge each mount."""
    known = _file_systems()
    for mount, placed in zip(config.at("mounts").items(), inside.mounts, strict=True):
        options, kind = mount.at("options").texts(), mount.at("type")
        yield from _behind_a_link(mount, inside.root)
        if any(option in BIND for option in options):
            yield from _bind(mount, bundle, placed.over)
        elif kind.text() and "remount" not in options and kind.text() not in known:
            hint = "see /proc/filesystems; a kernel module may bring it"
            yield kind.problem(f'this kernel does not know the file system "{kind.text()}"', hint)


def _behind_a_link(mount: Node, rootfs: Path) -> Iterator[Problem]:
    # init refuses it: what is masked below /proc would be masked elsewhere than where it is used.
    destination = posixpath.normpath("/" + mount.at("destination").text().lstrip("/"))
    if destination in ("/proc", "/sys") and os.path.islink(rootfs / destination[1:]):
        hint = "put an empty folder there in the image"
        yield mount.at("destination").problem(f'the image has a link at "{destination}"', hint)


def _bind(mount: Node, bundle: Path, target: Path | None) -> Iterator[Problem]:
    source = mount.at("source")
    if not source.text():
        return
    shown = bundle / source.text()
    destination = mount.at("destination").text()
    if lack := lacks(shown):
        hint = "make the file or folder on the host, or take the mount out"
        yield source.problem(f'the mount source "{shown}" is {lack} (destination "{destination}")', hint)
        return
    is_folder = os.path.isdir(shown)
    if target is None or lacks(target) or os.path.isdir(target) == is_folder:
        return
    kinds = ("a folder", "a file") if is_folder else ("a file", "a folder")
    yield mount.problem(
        f'the mount source "{shown}" is {kinds[0]}, the destination "{destination}" {kinds[1]}'
    )


def _file_systems() -> set[str]:
    return {line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()}
