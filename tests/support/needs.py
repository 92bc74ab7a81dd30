# SPDX-License-Identifier: Apache-2.0
"""What a test needs of the host: `@pytest.mark.requires("root", "memory")`, and which lacks are expected here.

A need that is not met skips the test; a skip that tests/expected_skips.txt does not list fails the whole run, so
that no test is lost without notice.
"""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path

from support.views import View

EXPECTED = Path(__file__).resolve().parent.parent / "expected_skips.txt"

CONTROLLERS = frozenset({"memory", "pids", "cpu", "cpuset", "blkio", "io", "devices", "freezer", "hugetlb"})


def missing(need: str, view: View | None) -> str | None:
    """Say what is missing for `need` in `view`, as a line of expected_skips.txt, or None if it is met."""
    if need in CONTROLLERS:
        where = view.name if view else "hybrid"
        has = view is None or need in view.controllers() or (need in ("devices", "freezer") and where == "v2")
        return None if has else f"controller {need} in the {where} view"
    if need.startswith("undelegated:"):
        has = view is not None and need.removeprefix("undelegated:") in view.controllers()
        return need if has else None
    return None if _met(need) else need


@functools.cache
def _met(need: str) -> bool:
    if need == "root":
        return os.geteuid() == 0
    if need == "no-selinux":
        return "selinuxfs" not in Path("/proc/filesystems").read_text().split()
    if need == "no-apparmor":
        return not _can_read(Path("/proc/self/attr/apparmor/current"))
    if need == "pidfs":
        return _inode_of_pidfd(os.getpid()) != _inode_of_pidfd(os.getppid())
    if need == "reachable-checkout":
        return _others_may_reach(Path(__file__))
    if need.startswith("command:"):
        return shutil.which(need.removeprefix("command:")) is not None
    if need.startswith("namespace:"):
        return Path("/proc/self/ns", need.removeprefix("namespace:")).exists()
    raise ValueError(f'"{need}" is not a need that tests/support/needs.py knows')


def _inode_of_pidfd(pid: int) -> int:
    """Since Linux 6.9 each process has one of its own."""
    pidfd = os.pidfd_open(pid)
    try:
        return os.fstat(pidfd).st_ino
    finally:
        os.close(pidfd)


def _can_read(path: Path) -> bool:
    try:
        path.read_bytes()
    except OSError:
        return False
    return True


def _others_may_reach(path: Path) -> bool:
    return all(p.stat().st_mode & 0o001 for p in path.resolve().parents)


def expected() -> frozenset[str]:
    """The lacks that expected_skips.txt lists."""
    lines = (line.split("#", 1)[0].strip() for line in EXPECTED.read_text().splitlines())
    return frozenset(line for line in lines if line)
