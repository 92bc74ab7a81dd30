# SPDX-License-Identifier: Apache-2.0
"""Many containers, one after the other and side by side: nothing is left, and every name has one owner.

That nothing is left (processes, cgroups, mounts, state files) the `runtime` fixture checks after each test; what only
the kernel counts is compared here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import processes
from support.bundles import Bundle
from support.runtime import MARKER, Running, Runtime

RUNS = {"native": 1000, "python": 50}
CYCLES = {"native": 200, "python": 10}

REPEAT = """
count=$1; shift; i=0
while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    "$@" || { echo "$i: exit $?" >&2; exit 1; }
done
"""

CYCLE = """
count=$1 bundle=$2 id=$3; shift 3; i=0
fail() { echo "$i: $*" >&2; exit 1; }
while [ "$i" -lt "$count" ]; do
    i=$((i + 1))
    "$@" create --bundle "$bundle" "$id" || fail create
    "$@" start "$id" || fail start
    "$@" state "$id" | grep -q '"status": *"running"' || fail state
    "$@" exec "$id" true || fail exec
    "$@" kill "$id" KILL || fail kill
    until "$@" delete "$id" 2>"$bundle/err"; do
        grep -q 'is running' "$bundle/err" || fail "delete: $(cat "$bundle/err")"
    done
done
"""


def count(of: dict[str, int]) -> int:
    """How often, through the door under test."""
    return of[os.environ.get("ESTIBA_DOOR", "native")]


def kernel_counts() -> dict[str, int]:
    """What the kernel keeps for somebody: keys, and namespaces that a process is in."""
    keys = sum(
        int(line.split()[2].split("/")[0]) for line in Path("/proc/key-users").read_text().splitlines()
    )
    namespaces = set()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for kind in ("mnt", "net", "pid"):
            try:
                namespaces.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
            except OSError:
                continue
    return {"keys": keys, "namespaces": len(namespaces)}


def shell(runtime: Runtime, script: str, *arguments: str) -> Running:
    """A shell in the runtime's view, whose `"$@"` are the runtime's words after `arguments`."""
    out, err = runtime.folder / "shell.out", runtime.folder / "shell.err"
    argv = [*runtime.view.enter(), "sh", "-c", script, "sh", *arguments]
    environ = {"PATH": os.environ["PATH"], MARKER: runtime.marker}
    with out.open("wb") as out_file, err.open("wb") as err_file:
        started = processes.popen(argv, stdout=out_file, stderr=err_file, env=environ, cwd="/")
    return Running(argv, started, out, err)


def words(runtime: Runtime, *arguments: str) -> Sequence[str]:
    """The runtime's command line, for a shell that is in its view already."""
    return [*runtime.words, "--root", str(runtime.root), *arguments]


def test_a_thousand_runs_leave_nothing(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["true"])
    times = count(RUNS)
    before = kernel_counts()
    run = words(runtime, "run", "--bundle", str(config.path), config.id)
    result = shell(runtime, REPEAT, str(times), *run).finish(600)
    after = kernel_counts()
    assert (result.code, result.out, result.err) == (0, "", ""), str(result)
    # Others use this kernel too: a leak shows as something for each run.
    assert [name for name in after if after[name] - before[name] >= times / 2] == [], (before, after)


def test_whole_lives_in_a_row_leave_nothing(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["sleep", "1000"])
    arguments = (str(count(CYCLES)), str(config.path), config.id)
    processes.reap_orphans()
    running = shell(runtime, CYCLE, *arguments, *words(runtime))
    result = running.finish(600)
    assert (result.code, result.out, result.err) == (0, "", ""), str(result)


def test_containers_side_by_side_do_not_disturb_each_other(runtime: Runtime, bundle: MakeBundle) -> None:
    configs = [bundle(f"echo {n}; exit {n}") for n in range(16)]
    for _ in range(3):
        running = [runtime.spawn("run", "--bundle", str(c.path), c.id) for c in configs]
        results = [r.finish(60) for r in running]
        assert [(r.code, r.out, r.err) for r in results] == [(n, f"{n}\n", "") for n in range(16)]


@pytest.mark.core
def test_of_many_that_create_one_name_exactly_one_wins(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["sleep", "1000"])
    for _ in range(5):
        results = [r.finish(60) for r in [creator(runtime, config) for _ in range(12)]]
        winners = [r for r in results if r.code == 0]
        losers = [r for r in results if r.code != 0]
        assert len(winners) == 1, "\n".join(map(str, results))
        assert {r.err.splitlines()[0] for r in losers} == {f'container "{config.id}" exists already'}
        assert json.loads(runtime.must("state", config.id).out)["status"] == "created"
        runtime.must("delete", "--force", config.id)


def creator(runtime: Runtime, config: Bundle) -> Running:
    """One of those who want the name."""
    return runtime.spawn("create", "--bundle", str(config.path), config.id)


def test_of_many_that_start_one_container_exactly_one_wins(runtime: Runtime, bundle: MakeBundle) -> None:
    for n in range(5):
        container = runtime.create(bundle(f"echo {n}"))
        results = [r.finish(60) for r in [runtime.spawn("start", container.id) for _ in range(8)]]
        assert sorted(r.code for r in results) == [0, *[1] * 7], "\n".join(map(str, results))
        assert container.wait() == 0
        assert container.out == f"{n}\n"
        container.delete()


def test_of_many_that_delete_one_container_all_find_it_gone(runtime: Runtime, bundle: MakeBundle) -> None:
    for _ in range(5):
        config = bundle(["sleep", "1000"])
        runtime.start(config)
        force = [runtime.spawn("delete", "--force", config.id) for _ in range(8)]
        results = [r.finish(60) for r in force]
        assert {(r.code, r.err) for r in results} == {(0, "")}, "\n".join(map(str, results))
