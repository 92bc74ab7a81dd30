# SPDX-License-Identifier: Apache-2.0
"""Rounds of commands, in turns: each case of each bench once a round. The first round fills caches and does not count."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import plot
import report
import results
from collect import in_turns, machine
from spawner import Spawner
from support import processes, views

Prepare = Callable[[int], list[str]]
"""Makes all ready for a round, and returns the command that is measured."""


class Bench(NamedTuple):
    """A competitor."""

    name: str
    cases: Mapping[str, Prepare]
    spawner: Spawner
    tidy: Callable[[], None] = lambda: None
    """Called after a command has failed."""


class Host(NamedTuple):
    """What the machine was like when the measurement began."""

    load: float


def prepare_host() -> Host:
    """Make this process fit to hold sites in which daemons live: root, and their parent to the end."""
    if os.geteuid():
        raise SystemExit("benches: this is measured as root")
    processes.become_subreaper()
    views.leave_host_mounts()
    return Host(round(os.getloadavg()[0], 1))


def measure(benches: Sequence[Bench], rounds: int, failures: list[str]) -> dict[str, report.Samples]:
    """Run all rounds; what fails is told and counts for nothing."""
    samples: dict[str, report.Samples] = {}
    for bench, number in in_turns(benches, rounds + 1):
        for case, prepare in bench.cases.items():
            cost = bench.spawner.one(prepare(number))
            if cost.status:
                said = "; ".join(line.strip() for line in bench.spawner.said().splitlines()[-3:])[:400]
                failures.append(f"{bench.name}, {case}, round {number}: status {cost.status}: {said}")
                bench.tidy()
            elif number:
                kinds = samples.setdefault(case, {}).setdefault(bench.name, {"wall_us": [], "cpu_us": []})
                kinds["wall_us"].append(round(cost.wall_us, 1))
                kinds["cpu_us"].append(round(cost.cpu_us, 1))
    return samples


def tell(result: report.Result, text: str, kind: str, *, is_kept: bool) -> int:
    """Print a result and its failures, with `is_kept` write its file and plot; return the exit code."""
    sys.stdout.write(text)
    if is_kept:
        path = results.write(result, kind)
        path.with_suffix(".svg").write_text(plot.draw(result))
        print(f"\nwritten: benches/results/{path.name} and .svg")
    for line in result["failures"]:
        print(f"benches: {line}", file=sys.stderr)
    return 1 if result["failures"] else 0


def result_of(
    host: Host,
    cases: dict[str, report.Samples],
    failures: list[str],
    *,
    rounds: int,
    reference: str,
    versions: dict[str, str],
) -> report.Result:
    """Put a result together as README.md has it."""
    loads = {"load_before": host.load, "load_after": round(os.getloadavg()[0], 1)}
    return {
        "format": 1,
        "date": datetime.date.today().isoformat(),
        "rounds": rounds,
        "reference": reference,
        "runtimes": versions,
        "cases": cases,
        "failures": failures,
        "machine": {**machine(), **loads},
    }
