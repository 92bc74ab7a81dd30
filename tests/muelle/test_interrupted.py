# SPDX-License-Identifier: Apache-2.0
"""`muelle build` and the signals that end it: what runs is killed at once, one line says so, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from estiba.images import Store
from estiba.images.fsck import fsck
from muelle.conftest import PROGRAM, Muelle
from support import processes

STEPS = """\
FROM busybox
RUN echo x > /made
RUN echo begun && sleep 1000
FROM busybox AS beside
RUN echo begun && sleep 1000
FROM busybox
COPY --from=0 /made /
COPY --from=beside /made /
"""


@contextmanager
def building(muelle: Muelle, context: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Begin a build in a session of its own, as on a terminal; go on when both of its programs run."""
    context.mkdir()
    (context / "Containerfile").write_text(STEPS)
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    words = [str(PROGRAM), "build", "--no-cache", "-t", "made", str(context)]
    builder = processes.popen(words, env=muelle.environ, start_new_session=True, **streams)
    assert builder.stderr
    assert builder.stdout
    try:
        begun = 0
        while begun < 2:
            line = builder.stderr.readline()
            assert line, "the build has ended"
            begun += line.endswith(b"| begun\n")
        yield builder
    finally:
        builder.kill()
        processes.forget(builder)
        builder.stdout.close()
        builder.stderr.close()


def wait_for_orphans() -> None:
    """Wait until what has lost its parent has ended."""
    for pid in processes.orphans():
        assert processes.ended(pid, 20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_build_and_all_that_it_runs(
    own_store: Muelle, folder: Path, number: signal.Signals
) -> None:
    """What a group gets, as of Ctrl-C: programs of RUN are in sessions of their own."""
    with building(own_store, folder / "context") as builder:
        os.killpg(builder.pid, number)
        _, errors = builder.communicate(timeout=20 * processes.PATIENCE)
        last = errors.decode().splitlines()
        assert (builder.returncode, last[-1]) == (128 + number, f"interrupted by {number.name}")
        assert [line for line in last[:-1] if not line.endswith(" canceled")] == []
    processes.reap_orphans()
    assert processes.orphans() == []
    nothing_is_left(own_store)


def test_a_second_signal_ends_the_build_without_a_trace(own_store: Muelle, folder: Path) -> None:
    """Both at once: the process is stopped while they are sent."""
    with building(own_store, folder / "context") as builder:
        os.killpg(builder.pid, signal.SIGSTOP)
        os.killpg(builder.pid, signal.SIGINT)
        os.killpg(builder.pid, signal.SIGTERM)
        os.killpg(builder.pid, signal.SIGCONT)
        _, errors = builder.communicate(timeout=20 * processes.PATIENCE)
        assert builder.returncode in (-signal.SIGINT, -signal.SIGTERM, 130, 143)
        assert b"Traceback" not in errors
    wait_for_orphans()
    nothing_is_left(own_store)


def test_a_build_that_is_killed_leaves_no_program(own_store: Muelle, folder: Path) -> None:
    """Its watcher is in a session of its own, which what kills the group does not reach."""
    with building(own_store, folder / "context") as builder:
        os.killpg(builder.pid, signal.SIGKILL)
        processes.forget(builder)
        wait_for_orphans()
    nothing_is_left(own_store)


def test_a_build_under_nohup_goes_on_without_its_terminal(own_store: Muelle, folder: Path) -> None:
    """What the caller has us ignore stays ignored."""
    context = folder / "context"
    context.mkdir()
    (context / "Containerfile").write_text("FROM busybox\nRUN sleep 1000\n")
    words = ["nohup", str(PROGRAM), "build", "--no-cache", str(context)]
    shown = subprocess.Popen(
        words,
        env=own_store.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert shown.stdout
    while b"RUN" not in shown.stdout.readline():
        pass
    shown.send_signal(signal.SIGHUP)
    shown.send_signal(signal.SIGTERM)
    rest = shown.stdout.read()
    assert shown.wait() == 143
    assert b"interrupted by SIGTERM" in rest
    shown.stdout.close()


def nothing_is_left(muelle: Muelle) -> None:
    """Check the state root and the store; other fixtures look for processes, mounts and cgroups."""
    assert [name for name in os.listdir(muelle.state) if not name.startswith(".")] == []
    assert os.listdir(muelle.state / ".builds") == []
    store = Store.open(muelle.store)
    assert [name for name in os.listdir(store.folder("tmp")) if not name.startswith(".")] == []
    assert fsck(store) == []
