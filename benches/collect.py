# SPDX-License-Identifier: Apache-2.0
"""Run the cases over all runtimes in turns and gather the samples: the result that is written as JSON."""

from __future__ import annotations

import contextlib
import datetime
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import bundles
import cases
import library
import report
import runtimes
import spawner

Competitor = TypeVar("Competitor")
Measured = cases.Bench | library.Library
AnyBench = TypeVar("AnyBench", cases.Bench, library.Library)

MANY = 100
"""Above so many containers only estiba and the reference are listed: making them takes the others a minute."""
LOOKS = 10
"""How often the containers are listed."""


class Plan(NamedTuple):
    """How much is measured, and where."""

    spawn: spawner.Spawner
    work: Path
    cgroup: str
    reference: str
    rounds: int
    callers: list[int]
    exec_callers: list[int]
    listed: list[int]
    repeats: int


def measure(plan: Plan, found: list[runtimes.Runtime]) -> report.Result:
    """Run everything; a runtime that fails is in the result's failures and not in its figures."""
    load_before = os.getloadavg()[0]
    bundles.make_rootfs(plan.work / "rootfs")
    slots = max([1, *plan.callers, *plan.exec_callers])
    failures: list[str] = []
    made = [cases.Bench(runtime, plan.spawn, plan.work, plan.cgroup, slots) for runtime in found]
    commands = _warm_up(made, failures)
    with _library(commands, plan.work) as libraries:
        benches: list[Measured] = [*commands, *_warm_up(libraries, failures)]
        result = _measure_all(plan, benches, commands, failures)
    loads = {"load_before": round(load_before, 1), "load_after": round(os.getloadavg()[0], 1)}
    result["machine"] = {**machine(), **loads}
    return result


@contextlib.contextmanager
def _library(commands: list[cases.Bench], work: Path) -> Iterator[list[library.Library]]:
    """Start the library's worker if estiba is among the commands and this interpreter has it."""
    own = [bench for bench in commands if bench.runtime.name == "estiba"]
    if not own or importlib.util.find_spec("estiba") is None:
        yield []
        return
    worker = library.Library(sys.executable, own[0], work / "library-said")
    try:
        yield [worker]
    finally:
        worker.close()


def _measure_all(
    plan: Plan, benches: list[Measured], commands: list[cases.Bench], failures: list[str]
) -> report.Result:
    names = [bench.runtime.name for bench in benches]
    result: report.Result = {
        "format": 1,
        "date": datetime.date.today().isoformat(),
        "rounds": plan.rounds,
        "reference": plan.reference,
        "runtimes": {bench.runtime.name: bench.runtime.version for bench in benches},
        "cases": {case: {name: {"wall_us": [], "cpu_us": []} for name in names} for case in cases.CASES},
        "callers": {},
        "exec_callers": {},
        "counts": {name: {} for name in names},
        "failures": failures,
    }
    for bench, number in in_turns(benches, plan.rounds):
        _one_pass(bench, number, result)
    _drop_without_samples(result)
    for count in plan.callers:
        result["callers"][str(count)] = _throughput("run", benches, count, plan.repeats, failures)
    for count in plan.exec_callers:
        result["exec_callers"][str(count)] = _throughput("exec", benches, count, plan.repeats, failures)
    _count_syscalls(commands, result, plan.work / "strace")
    for count in plan.listed:
        able = [
            bench for bench in commands if count <= MANY or bench.runtime.name in ("estiba", plan.reference)
        ]
        _list(able, count, result)
    return result


def _warm_up(benches: list[AnyBench], failures: list[str]) -> list[AnyBench]:
    """Run one pass of each that does not count; leave out the runtimes that cannot do it."""
    able = []
    for bench in benches:
        try:
            bench.verbs("warm")
            able.append(bench)
        except cases.Failed as failed:
            failures.append(f"{bench.runtime.name} is left out: {failed}")
    return able


def in_turns(competitors: Sequence[Competitor], rounds: int) -> Iterator[tuple[Competitor, int]]:
    """Yield every one once a round; who begins rotates, and every other time around backwards."""
    for number in range(rounds):
        first = number % len(competitors) if competitors else 0
        order = [*competitors[first:], *competitors[:first]]
        if competitors and number // len(competitors) % 2:
            order.reverse()
        for competitor in order:
            yield competitor, number


def _one_pass(bench: Measured, number: int, result: report.Result) -> None:
    name = bench.runtime.name
    try:
        costs, init = bench.verbs(f"pass-{number}")
    except cases.Failed as failed:
        result["failures"].append(f"{name}, round {number}: {failed}")
        return
    for case, cost in costs.items():
        result["cases"][case][name]["wall_us"].append(round(cost.wall_us, 1))
        result["cases"][case][name]["cpu_us"].append(round(cost.cpu_us, 1))
    seen = {"peak_kib": costs["run"].peak_kib, "faults": costs["run"].faults}
    seen |= {"init_rss_kib": init.rss_kib, "init_pss_kib": init.pss_kib}
    counts = result["counts"][name]
    counts.update({key: min(value, counts.get(key, value)) for key, value in seen.items() if value})


def _drop_without_samples(result: report.Result) -> None:
    for samples in result["cases"].values():
        for name in [name for name, kinds in samples.items() if not kinds["wall_us"]]:
            del samples[name]


def _throughput(
    verb: str, benches: list[Measured], callers: int, repeats: int, failures: list[str]
) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {bench.runtime.name: [] for bench in benches}
    for bench, number in in_turns(benches, repeats):
        measure = bench.throughput if verb == "run" else bench.exec_throughput
        try:
            rate = measure(f"{verb}-{callers}-{number}", callers, max(20, 3 * callers))
            rates[bench.runtime.name].append(round(rate, 1))
        except cases.Failed as failed:
            failures.append(f"{bench.runtime.name}, {failed}")
    return {name: seen for name, seen in rates.items() if seen}


def _list(benches: list[cases.Bench], count: int, result: report.Result) -> None:
    """List so many running containers, and ask for the state of one; those made before are among them."""
    able = []
    for bench in benches:
        try:
            bench.have_up_to(count)
            able.append(bench)
        except cases.Failed as failed:
            result["failures"].append(f"{bench.runtime.name}, list of {count}: {failed}")
    looks = {f"list of {count}": ("list",), f"state, one of {count}": ("state", cases.LISTED)}
    for case in looks:
        result["cases"][case] = {bench.runtime.name: {"wall_us": [], "cpu_us": []} for bench in able}
    for bench, _ in in_turns(able, LOOKS):
        for case, words in looks.items():
            cost = bench.ask(*words)
            seen = result["cases"][case][bench.runtime.name]
            seen["wall_us"].append(round(cost.wall_us, 1))
            seen["cpu_us"].append(round(cost.cpu_us, 1))


def _count_syscalls(benches: list[cases.Bench], result: report.Result, summary: Path) -> None:
    if not shutil.which("strace"):
        print("benches: no strace, so no system calls are counted", file=sys.stderr)
        return
    for bench in benches:
        name = bench.runtime.name
        try:
            seen = [bench.syscalls(f"strace-{turn}-{name}", summary) for turn in range(2)]
            result["counts"][name]["syscalls"] = min(seen)
        except cases.Failed as failed:
            result["failures"].append(f"{name}, {failed}")


def machine() -> dict[str, object]:
    """Describe this machine, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line for line in lines if line.startswith("model name")]
    return {
        "arch": platform.machine(),
        "kernel": platform.release(),
        "cpus": len(os.sched_getaffinity(0)),
        "cpu": models[0].partition(": ")[2] if models else "unknown",
    }
