# SPDX-License-Identifier: Apache-2.0
"""What a test left on the host: processes, cgroups, mounts, state files, descriptors. Found, named, then removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path

from support import processes
from support.runtime import MARKER
from support.views import View, hierarchies


class Before:
    """What was there when the test began."""

    def __init__(self, views: list[View]) -> None:
        self.mounts = [(view, set(view.mounts())) for view in views]
        self.descriptors = _descriptors()


def find(before: Before, marker: str, parent: str, prefix: str, root: Path) -> list[str]:
    """Name everything that is there and was not before, or belongs to the test `marker`."""
    return [
        *(f"process {p}: {_command_line(p)}" for p in _processes(marker, parent)),
        *(f"cgroup {c}" for c in _cgroups(parent, prefix)),
        *(f"mount in the {v.name} view: {line}" for v, line in _mounts(before)),
        *(f"state file {p}" for p in _state(root)),
        *(f"descriptor {d} -> {t}" for d, t in (_descriptors().items() - before.descriptors.items())),
    ]


def remove(before: Before, marker: str, parent: str, prefix: str, root: Path) -> None:
    """Remove what `find` names, so that the next test starts clean."""
    for cgroup in _cgroups(parent, prefix):
        for name, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            with contextlib.suppress(OSError):
                if (cgroup / name).exists():
                    (cgroup / name).write_text(thawed)
    for pid in _processes(marker, parent):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        processes.ended(pid, 5)
    for cgroup in sorted(_cgroups(parent, prefix), reverse=True):
        with contextlib.suppress(OSError):
            cgroup.rmdir()
    for view, line in reversed(_mounts(before)):
        point = line.split()[4]
        os.spawnvp(os.P_WAIT, "nsenter", [*(view.enter() or ["env"]), "umount", "-l", point])
    shutil.rmtree(root, ignore_errors=True)
    for descriptor in _descriptors().keys() - before.descriptors.keys():
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _descriptors() -> dict[int, str]:
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
    return {d: t for d, t in found.items() if not t.endswith("/fd")}


def _processes(marker: str, parent: str) -> list[int]:
    wanted = f"{MARKER}={marker}".encode()
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if wanted in Path(f"/proc/{name}/environ").read_bytes().split(b"\0"):
                    found.add(int(name))
    for hierarchy in hierarchies():
        for procs in (hierarchy.mountpoint / parent.lstrip("/")).rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found.update(int(p) for p in procs.read_text().split())
    return sorted(found - {0, os.getpid()})


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return "(gone)"


def _cgroups(parent: str, prefix: str) -> list[Path]:
    """The cgroups below the test's parent, and any elsewhere whose name has the test's prefix."""
    found = []
    for hierarchy in hierarchies():
        ours = hierarchy.mountpoint / parent.lstrip("/")
        for folder, folders, _ in os.walk(hierarchy.mountpoint):
            here = Path(folder)
            found += [here / f for f in folders if here.is_relative_to(ours) or prefix in f]
    return found


def _mounts(before: Before) -> list[tuple[View, str]]:
    return [(v, line) for v, ids in before.mounts for ident, line in v.mounts().items() if ident not in ids]


def _state(root: Path) -> list[Path]:
    """Files under the state root, but for names with a dot: the bounded records of failed starts, and caches."""
    if not root.exists():
        return []
    tops = [p for p in root.iterdir() if not p.name.startswith(".")]
    return [p for top in tops for p in (top, *top.rglob("*"))]
