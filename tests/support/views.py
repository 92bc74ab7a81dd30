# SPDX-License-Identifier: Apache-2.0
"""The cgroup views that a runtime is tested in: as the host is, and a pure cgroup v2 tree.

The pure view is a mount namespace of its own, held by a sleeping process; nothing of the host's mounts changes.
"""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path
from typing import NamedTuple

from support import processes
from support.processes import Pipe

CLONE_NEWNS = 0x20000
MS_REC = 1 << 14
MS_PRIVATE = 1 << 18

TO_PURE_V2 = """
set -e
umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
echo ready
exec sleep infinity
"""


class Hierarchy(NamedTuple):
    """One mounted cgroup hierarchy of the host."""

    mountpoint: Path
    controllers: frozenset[str]
    is_v2: bool


def hierarchies() -> list[Hierarchy]:
    """The cgroup hierarchies that this process sees, v2 last."""
    found: dict[str, Hierarchy] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        kind = fields[fields.index("-") + 1]
        if kind not in ("cgroup", "cgroup2"):
            continue
        path, is_v2 = Path(fields[4]), kind == "cgroup2"
        if is_v2:
            names = frozenset((path / "cgroup.controllers").read_text().split())
        else:
            names = frozenset(fields[-1].split(",")) - {"rw"}
        found[fields[4]] = Hierarchy(path, names, is_v2)
    return sorted(found.values(), key=lambda h: h.is_v2)


def host_is_pure_v2() -> bool:
    """Say whether the host mounts cgroup v2 alone."""
    return all(h.is_v2 for h in hierarchies())


def available() -> list[str]:
    """The views that can be had on this host."""
    return ["v2"] if host_is_pure_v2() else ["hybrid", "v2"]


def leave_host_mounts() -> None:
    """Give this process a mount namespace of its own: what tests mount is theirs, and what others mount is not."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        raise OSError(ctypes.get_errno(), "no mount namespace for the tests")


class View:
    """A cgroup view: how to run a program in it, and where its cgroups are found from here."""

    def __init__(self, name: str, *, hold: bool = True) -> None:
        """`hold=False` makes no mount namespace: for asking about the view, not for running in it."""
        self.name = name
        self._holder: subprocess.Popen[bytes] | None = None
        if hold and name == "v2" and not host_is_pure_v2():
            self._hold()

    def _hold(self) -> None:
        pipe = Pipe()
        self._holder = processes.popen(
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                "unshare",
                "--mount",
                "--propagation",
                "private",
                "sh",
                "-c",
                TO_PURE_V2,
            ],
            stdout=pipe,
        )
        line = pipe.readline()
        pipe.close()
        if line != "ready":
            raise RuntimeError("no pure cgroup v2 view: the holder of its mount namespace failed")

    def close(self) -> None:
        """End the holder."""
        if self._holder is not None:
            self._holder.kill()
            processes.forget(self._holder)

    def enter(self, cwd: Path | None = None) -> list[str]:
        """The words before a command that put it into this view; `cwd` because nsenter(1) leaves it at /."""
        if self._holder is None:
            return []
        return ["nsenter", f"--mount=/proc/{self._holder.pid}/ns/mnt", f"--wdns={cwd or '/'}"]

    @property
    def pid(self) -> str:
        """The process whose /proc entry shows this view's mounts."""
        return str(self._holder.pid) if self._holder else "self"

    def mounts(self) -> dict[str, str]:
        """The mounts of this view: mountinfo lines by mount id."""
        text = Path(f"/proc/{self.pid}/mountinfo").read_text()
        return {line.split(" ", 1)[0]: line for line in text.splitlines()}

    @property
    def hierarchies(self) -> list[Hierarchy]:
        """The hierarchies that a runtime in this view sees, by paths of the host."""
        return [h for h in hierarchies() if h.is_v2 or self.name != "v2"]

    def controllers(self) -> frozenset[str]:
        """The controllers that a runtime in this view can use."""
        return frozenset().union(*(h.controllers for h in self.hierarchies))

    def cgroup(self, controller: str, path: str) -> Path:
        """Where the host sees cgroup `path` for a controller; "" and "freeze" mean the one that freezes."""
        wanted = self.hierarchies
        if self.name == "v2":
            return wanted[-1].mountpoint / path.lstrip("/")
        return next(h for h in wanted if controller in h.controllers).mountpoint / path.lstrip("/")
