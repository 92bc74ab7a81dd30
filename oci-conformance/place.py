# SPDX-License-Identifier: Apache-2.0
"""The place of one program from outside: cgroups of its own, and the words that start a command in it.

host ── run.py ── enter.sh: joins the cgroups ── new namespaces ── stage.py (pid 1) ── program ── runtime
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.views import Hierarchy, hierarchies

HERE = Path(__file__).resolve().parent

LEAF = "programs"
"""Where the programs are in cgroup v2; not in v1, whose cpuset would have to be filled once more."""

BARE = "bare"
"""A v2 cgroup that is handed no controllers: where both kinds have some, crun refuses to work."""


@contextlib.contextmanager
def place(name: str, view: str, seconds: float) -> Iterator[list[str]]:
    """Hold cgroups called `name` in every hierarchy; yields the words before a command that runs in them."""
    found = hierarchies()
    tops = [h.mountpoint / name for h in found]
    try:
        for hierarchy, top in zip(found, tops, strict=True):
            top.mkdir()
            _fill(hierarchy, top)
        folders = [
            top / BARE if h.is_v2 and view == "hybrid" else top for top, h in zip(tops, found, strict=True)
        ]
        leaves = [f / LEAF for f, h in zip(folders, found, strict=True) if h.is_v2]
        for leaf in leaves:
            leaf.mkdir(parents=True)
        yield _words(folders, leaves, view, seconds)
    finally:
        for top in tops:
            _remove(top)


def _fill(hierarchy: Hierarchy, folder: Path) -> None:
    """Give a new cpuset cgroup of v1 what its parent has: without, it takes no process."""
    if not hierarchy.is_v2 and "cpuset" in hierarchy.controllers:
        for name in ("cpuset.cpus", "cpuset.mems"):
            (folder / name).write_text((folder.parent / name).read_text())


def _words(folders: Sequence[Path], leaves: Sequence[Path], view: str, seconds: float) -> list[str]:
    enter = ["sh", str(HERE / "enter.sh"), *map(str, folders), "+", *map(str, leaves), "--"]
    mounts = {str(h.mountpoint): sorted(h.controllers) for h in hierarchies() if not h.is_v2}
    stage = [sys.executable, str(HERE / "stage.py"), view, json.dumps(mounts), str(seconds)]
    return [*enter, *stage]


def _remove(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        Path(folder).rmdir()
