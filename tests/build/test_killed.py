# SPDX-License-Identifier: Apache-2.0
"""A builder that is killed at any moment: the store stays whole, and what it has started is found and ended.

ESTIBA_KILL_ROUNDS says how often; `make kill` does it a thousand times.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from estiba.build.containers import LOCKS, sweep
from estiba.images import Image, Store
from estiba.images.durable import Lock
from estiba.images.fsck import fsck
from support import processes
from support.builds import BASE, Site
from support.views import hierarchies

ROUNDS = int(os.environ.get("ESTIBA_KILL_ROUNDS", "5"))
LONGEST = 0.5
"""Seconds that a victim works at most: several times what one of its builds takes."""

PIDS: set[int] = set()
"""Of all victims."""

VICTIM = """
import itertools, sys
from estiba.build.execute import build
from estiba.build.options import Options
from estiba.build.progress import StepOutput
from estiba.images import Store
root, context, text = sys.argv[1:]

def tell(event):
    if isinstance(event, StepOutput):
        print(event.line, flush=True)

print("ready", flush=True)
for number in itertools.count():
    build(Store.open(root), context, text=text.replace("NUMBER", str(number)), options=Options(names=("made",)),
          progress=tell)
"""
STEPS = """\
RUN echo NUMBER $(cat /proc/sys/kernel/random/uuid) > /a
COPY bin /copied
RUN --mount=type=cache,target=/cache echo x >> /cache/x && rm -r /copied
FROM base AS beside
RUN echo $(cat /proc/sys/kernel/random/uuid) > /b
FROM base
COPY --from=beside /b /
"""


@pytest.fixture
def site(folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A store and a context, and a state root of the test's own."""
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    return Site(folder, prepared)


@contextmanager
def building(site: Site, steps: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a victim that builds again and again; at the end it is killed, and has had nothing to complain of."""
    words = [sys.executable, "-c", VICTIM, str(site.store.root), str(site.context), BASE + steps]
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    victim = processes.popen(words, **streams)
    PIDS.add(victim.pid)
    assert victim.stdout
    assert victim.stderr
    assert victim.stdout.readline() == b"ready\n", victim.stderr.read().decode()
    yield victim
    victim.kill()
    _, errors = victim.communicate()
    processes.forget(victim)
    assert errors == b""


def watchers(pids: Iterable[int]) -> list[int]:
    """Return those of the processes that are no container's: they are in our own pid namespace."""
    found = []
    for pid in pids:
        with suppress(OSError):  # it has ended
            if processes.namespace(pid, "pid") == processes.namespace("self", "pid"):
                found.append(pid)
    return found


def wait_for_watchers() -> None:
    """Wait until the watchers of dead builders have done their work."""
    for pid in watchers(processes.orphans()):
        assert processes.ended(pid, 20)


def wait_for_locks(folder: Path) -> None:
    """Wait until dead builds hold no lock: a child that they had just cloned has its copy until it executes init."""
    locks = folder / "state" / LOCKS
    for path in locks.iterdir() if locks.exists() else ():
        with Lock(str(path)):
            pass


def remains(site: Site, folder: Path) -> list[str]:
    """Name records, locks and cgroups of builds, and what is half-made in the store once it is opened again."""
    state = folder / "state"
    found = [name for name in os.listdir(state) if not name.startswith(".")] if state.exists() else []
    found += os.listdir(state / LOCKS) if (state / LOCKS).exists() else []
    for hierarchy in hierarchies():
        for _, names, _ in os.walk(hierarchy.mountpoint):
            found += [name for name in names if any(name.startswith(f"estiba-build-{pid}-") for pid in PIDS)]
    half_made = os.listdir(Store.open(site.store.root).folder("tmp"))
    return found + [name for name in half_made if not name.startswith(".")]


def test_a_store_is_whole_after_a_kill_of_its_builder(site: Site, folder: Path) -> None:
    """Steps, stages, caches, packing, names: killed at random, then looked through, and built with again."""
    for _ in range(ROUNDS):
        with building(site, STEPS) as victim:
            assert victim.stderr
            select.select([victim.stderr], [], [], random.uniform(0, LONGEST))
        wait_for_watchers()
        wait_for_locks(folder)
        sweep()
        store = Store.open(site.store.root)
        assert fsck(store) == []
        for reference, _ in store.references.iterate():
            Image.resolve(store, str(reference)).lowers()
        assert remains(site, folder) == []
    site.build(STEPS.replace("NUMBER", "last"))
    assert remains(site, folder) == []


def test_the_program_of_a_killed_builder_is_ended_by_its_watcher(site: Site, folder: Path) -> None:
    """It would run on: its end is the end of its own pid namespace, not of the builder."""
    with building(site, "RUN echo pid && /bin/busybox sleep 1000\n") as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"pid\n"
        (watcher,) = watchers(processes.descendants(victim.pid))
        (program, *_) = processes.descendants(victim.pid) - {watcher}
    assert processes.ended(program, 20)
    wait_for_watchers()
    assert remains(site, folder) == []


def test_the_program_of_a_builder_killed_with_its_watcher_is_ended_by_the_next(
    site: Site, folder: Path
) -> None:
    """As when all that a service has started is killed."""
    with building(site, "RUN echo pid && /bin/busybox sleep 1000\n") as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"pid\n"
        (watcher,) = watchers(processes.descendants(victim.pid))
        os.kill(watcher, signal.SIGKILL)
        (record,) = [name for name in os.listdir(folder / "state") if not name.startswith(".")]
        orphan = json.loads((folder / "state" / record / "state.json").read_text())["pid"]
    assert not processes.ended(orphan, 0)
    site.build("RUN echo other > /other\n")
    assert processes.ended(orphan, 10)
    assert not (folder / "state" / record).exists()
    assert remains(site, folder) == []


def test_containers_of_a_build_that_goes_on_are_left_alone(site: Site, folder: Path) -> None:
    """Another build's sweep finds its lock taken."""
    with building(site, "RUN echo pid && /bin/busybox sleep 1000\n") as victim:
        assert victim.stdout
        assert victim.stdout.readline() == b"pid\n"
        assert sweep() == []
    wait_for_watchers()
    assert remains(site, folder) == []
