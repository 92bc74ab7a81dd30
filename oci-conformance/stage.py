# SPDX-License-Identifier: Apache-2.0
"""Pid 1 of a program's place: mounts what the program sees, runs it, reaps orphans, and ends at its time-out.

    stage.py VIEW V1-MOUNTS SECONDS PROGRAM RUNTIME

With pid 1 ends everything that the program and its runtime have left running.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
BUNDLES = Path("/run/bundles")  # on the tmpfs of this place, as is the state of every runtime
TIMED_OUT = 124


def main() -> int:
    """Run the program; its exit code, or TIMED_OUT."""
    view, v1_mounts, seconds, program, runtime = sys.argv[1:]
    _mount(view, json.loads(v1_mounts))
    BUNDLES.mkdir()
    wakeup = _wake_on_children()
    environ = {"PATH": os.environ["PATH"], "HOME": "/root", "TMPDIR": str(BUNDLES), "RUNTIME": runtime}
    child = subprocess.Popen([program], cwd=Path(program).parent, env=environ, stdin=subprocess.DEVNULL)
    return _wait(child.pid, wakeup, float(seconds))


def _mount(view: str, v1_mounts: dict[str, list[str]]) -> None:
    """Mount cgroup hierarchies anew, which shows them from the root of this cgroup namespace."""
    _call("umount", "--lazy", str(CGROUPS))
    if view == "v2":
        _call("mount", "-t", "cgroup2", "none", str(CGROUPS))
    else:
        _call("mount", "-t", "tmpfs", "-o", "mode=755", "none", str(CGROUPS))
        for point, controllers in v1_mounts.items():
            options = ["none" if c.startswith("name=") else c for c in controllers]
            names = [c for c in controllers if c.startswith("name=")]
            _mount_at(Path(point), "cgroup", ",".join([*options, *names]))
        _mount_at(CGROUPS / "unified", "cgroup2", "rw")
    _call("mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run")


def _mount_at(point: Path, kind: str, options: str) -> None:
    point.mkdir()
    _call("mount", "-t", kind, "-o", options, "none", str(point))


def _call(*argv: str) -> None:
    subprocess.run(argv, check=True)


def _wake_on_children() -> int:
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _wait(program: int, wakeup: int, seconds: float) -> int:
    """Reap whoever ends, until it is the program."""
    ended = select.poll()
    ended.register(wakeup, select.POLLIN)
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            if found[0] == program:
                code = os.waitstatus_to_exitcode(found[1])
                return code if code >= 0 else 128 - code
        if ended.poll(left * 1000):
            os.read(wakeup, 4096)
    return TIMED_OUT


if __name__ == "__main__":
    sys.exit(main())
