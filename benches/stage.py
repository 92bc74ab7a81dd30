# SPDX-License-Identifier: Apache-2.0
"""The place where it is measured: own mount and pid namespaces, a pure cgroup v2 view, a tmpfs on /run, a bpffs.

Whatever a runtime leaves behind dies with the pid namespace; its cgroups are removed by `clear_cgroups`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import subprocess
from collections.abc import Sequence
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def enter(spawner: Path, argv: Sequence[str]) -> None:
    """Replace this process by `argv` inside new namespaces, below an init that reaps orphans at once."""
    if os.geteuid() != 0:
        raise SystemExit("benches: the peers are measured as root\nhint: run it with sudo")
    mounts, processes = ("--mount", "--propagation", "private"), ("--pid", "--fork", "--kill-child")
    os.execvp(
        "unshare", ["unshare", *mounts, *processes, "--mount-proc", "--", str(spawner), "init", "--", *argv]
    )


def mount_views() -> None:
    """Mount what the measured commands see, inside the new mount namespace."""
    for command in (
        ("umount", "--lazy", str(CGROUPS)),
        ("mount", "-t", "cgroup2", "none", str(CGROUPS)),
        ("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run"),
        ("mount", "-t", "bpf", "none", "/sys/fs/bpf"),  # as systemd does on every host
    ):
        subprocess.run(command, check=True)


def clear_cgroups(name: str) -> None:
    """Kill what still runs below the bench's own cgroup and remove all of it."""
    top = CGROUPS / name
    while top.exists():
        (top / "cgroup.kill").write_text("1")
        for folder, _, _ in os.walk(top, topdown=False):
            # An interrupted command may take a cgroup of its own away at the same time.
            with contextlib.suppress(FileNotFoundError):
                _remove_when_empty(Path(folder))


def _remove_when_empty(cgroup: Path) -> None:
    events = os.open(cgroup / "cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    try:
        changed = select.poll()
        changed.register(events, select.POLLPRI)
        while _is_populated(events):
            changed.poll(1000)
    finally:
        os.close(events)
    cgroup.rmdir()


def _is_populated(events: int) -> bool:
    try:
        return b"populated 1" in os.pread(events, 256, 0)
    except OSError as error:
        if error.errno != errno.ENODEV:  # what the kernel says of a removed cgroup
            raise
        return False
