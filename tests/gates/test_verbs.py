# SPDX-License-Identifier: Apache-2.0
"""What the native verbs ask of the kernel: system calls of the command and init, page faults, a waiting init's memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gates import bounds
from support.bundles import Bundle
from support.runtime import MARKER, Runtime
from support.tracing import Trace

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.append(str(CHECKOUT / "benches"))

import spawner

TIMES = 10
ROOM = 0.03
"""Another kernel may spare a call or two."""

pytestmark = [pytest.mark.estiba_only, pytest.mark.views("v2"), pytest.mark.requires("root")]


def calls(runtime: Runtime, verb: str, *arguments: str) -> int:
    """The system calls of a verb and of those it starts."""
    trace = Trace(runtime, verb, *arguments)
    assert trace.until_exit() == 0, trace.err
    if verb == "create":  # strace stays as long as init does
        runtime.must("delete", "--force", arguments[-1])
    trace.finish()
    return trace.calls


@pytest.mark.requires("command:strace")
def test_verbs_make_as_many_system_calls_as_counted(
    native: Runtime, exits: Bundle, filtered: Bundle, waits: Bundle
) -> None:
    assert native.run(exits).code == 0  # pins the device program
    found = {"run": calls(native, "run", "--bundle", str(exits.path), exits.id)}
    found["create"] = calls(native, "create", "--bundle", str(waits.path), waits.id)
    created = native.create(waits)
    assert native.run(filtered).code == 0  # keeps the filter
    found["run-filtered"] = calls(native, "run", "--bundle", str(filtered.path), filtered.id)
    found["start"] = calls(native, "start", waits.id)
    found["state"] = calls(native, "state", waits.id)
    cycles = [[calls(native, verb, waits.id) for verb in ("pause", "resume")] for _ in range(3)]
    pause, found["resume"] = map(min, zip(*cycles, strict=True))
    found["exec"] = calls(native, "exec", waits.id, "/exits")
    found["kill"] = calls(native, "kill", waits.id, "KILL")
    created.wait()
    found["delete"] = calls(native, "delete", waits.id)
    bounds.hold("system-calls", found, room=ROOM)
    # It looks again until all are frozen, once or twice: that is the scheduler's matter.
    bounds.hold("system-calls", {"pause": pause}, room=0.2)


@pytest.mark.requires("command:strace")
def test_the_library_makes_as_many_system_calls_as_counted(native: Runtime, exits: Bundle) -> None:
    once, often = (_calls_of_runs(native, exits, times) for times in (1, 1 + TIMES))
    bounds.hold("system-calls", {"library-run": round((often - once) / TIMES)}, room=ROOM)


def _calls_of_runs(runtime: Runtime, bundle: Bundle, times: int) -> int:
    """The system calls of a Python program that runs a container so many times."""
    program = f"from estiba import Container\nfor _ in range({times}): Container.run({bundle.id!r}, {str(bundle.path)!r})"
    summary = runtime.folder / "summary"
    strace = ["strace", "--follow-forks", "-c", "-U", "calls,name", "-o", str(summary)]
    python = [sys.executable, "-s", "-c", program]
    environ = {**os.environ, "ESTIBA_ROOT": str(runtime.root), "PYTHONHASHSEED": "0", MARKER: runtime.marker}
    subprocess.run([*runtime.view.enter(), *strace, *python], env=environ, check=True)
    return next(int(line.split()[0]) for line in summary.read_text().splitlines() if line.endswith(" total"))


@pytest.mark.requires("command:cc")
def test_a_run_faults_as_few_pages_as_counted(native: Runtime, exits: Bundle) -> None:
    spawn = spawner.Spawner(
        spawner.build(CHECKOUT / ".cache" / "benches"), native.folder / "said", 20_000, native.view.enter()
    )
    argv = native.argv("run", "--bundle", str(exits.path), exits.id)[len(native.view.enter()) :]
    costs = [spawn.one(argv) for _ in range(8)]
    assert {cost.status for cost in costs} == {0}, spawn.said()
    # Where the stack begins is random, so how many pages of it are touched differs by a few.
    bounds.hold("page-faults", {"run": min(cost.faults for cost in costs)}, room=0.15)


def test_a_waiting_init_is_as_small_as_counted(native: Runtime, waits: Bundle) -> None:
    # Where the stack begins is random, so what lies on it may need a page more.
    resident, image = min(_size_of_a_waiting_init(native, waits) for _ in range(8))
    bounds.hold("init", {"resident-kib": resident, "image-bytes": image}, room=0.15)


def _size_of_a_waiting_init(runtime: Runtime, bundle: Bundle) -> tuple[int, int]:
    """Its resident memory in KiB, and the bytes of its image."""
    created = runtime.create(bundle)
    process = Path(f"/proc/{created.pid}")
    image = os.stat(process / "exe").st_size
    lines = (process / "smaps_rollup").read_text().splitlines()[1:]
    created.delete()
    return {line.split(":")[0]: int(line.split()[1]) for line in lines}["Rss"], image
