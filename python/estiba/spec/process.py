# SPDX-License-Identifier: Apache-2.0
"""Rules for `process`, in config.json as well as alone for exec."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import number_list
from estiba.spec.node import Node
from estiba.spec.words import quote

REALTIME = ("SCHED_FIFO", "SCHED_RR")
NICE = ("SCHED_OTHER", "SCHED_BATCH")
GROUPS = 65536
"""NGROUPS_MAX (limits.h)."""

DEADLINE_FIELDS = ("runtime", "deadline", "period")


def check(process: Node) -> Iterator[Problem]:
    """Judge the program and what it may do."""
    program = process.at("args").items()[:1]
    if program and program[0].value == "":
        yield program[0].problem("the program to run has no name")
    groups = process.at("user", "additionalGids")
    if len(groups.items()) > GROUPS:
        yield groups.problem(f"{len(groups.items())} groups, the kernel takes {GROUPS}")
    yield from environment(process.at("env"))
    yield from _rlimits(process.at("rlimits"))
    yield from _scheduler(process.at("scheduler"))
    for key in ("initial", "final"):
        yield from number_list.check(process.at("execCPUAffinity", key), "CPUs")


def environment(env: Node) -> Iterator[Problem]:
    """Judge a list of NAME=VALUE."""
    for entry in env.items():
        if not isinstance(entry.value, str):
            continue
        if "=" not in entry.value:
            hint = f"write {quote(entry.value + '=')} for an empty value" if entry.value else None
            yield entry.problem(f"{quote(entry.value)} is not NAME=VALUE", hint)
        elif entry.value.startswith("="):
            yield entry.problem(f"{quote(entry.value)} has no name before the =")


def _rlimits(rlimits: Node) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for rlimit in rlimits.items():
        kind = rlimit.at("type").text()
        if kind and kind in seen:
            yield rlimit.at("type").problem(f"{quote(kind)} is limited twice, first at {seen[kind]}")
        seen.setdefault(kind, rlimit.pointer)
        soft, hard = rlimit.at("soft").number(), rlimit.at("hard").number()
        if soft is not None and hard is not None and 0 <= hard < soft:
            yield rlimit.at("soft").problem(f"the soft limit {soft} is above the hard limit {hard}")


def _scheduler(scheduler: Node) -> Iterator[Problem]:
    policy = scheduler.at("policy").text()
    if not policy:
        return
    nice = scheduler.at("nice").number() or 0
    if policy in NICE and not -20 <= nice <= 19:
        yield scheduler.at("nice").problem(f"{nice} is out of range, expected a whole number from -20 to 19")
    yield from _priority(scheduler, policy)
    yield from _deadline(scheduler, policy)


def _priority(scheduler: Node, policy: str) -> Iterator[Problem]:
    node = scheduler.at("priority")
    priority = node.number() or 0
    if policy not in REALTIME:
        if priority:
            yield node.problem(f"{policy} has no priority, only SCHED_FIFO and SCHED_RR have one")
    elif not 1 <= priority <= 99:
        where = node if node.value is not None else scheduler
        yield where.problem(f"{policy} needs a priority from 1 to 99, found {priority}")


def _deadline(scheduler: Node, policy: str) -> Iterator[Problem]:
    nodes = [scheduler.at(key) for key in DEADLINE_FIELDS]
    runtime, deadline, period = (node.number() or 0 for node in nodes)
    if policy != "SCHED_DEADLINE":
        for key, node in zip(DEADLINE_FIELDS, nodes, strict=True):
            if node.number():
                yield node.problem(f"{policy} has no {key}, only SCHED_DEADLINE has one")
    # sched_setattr(2): a period of 0 stands for the deadline.
    elif not 0 < runtime <= deadline <= (period or deadline):
        yield scheduler.problem(
            f"SCHED_DEADLINE needs runtime <= deadline <= period, found {runtime}, {deadline}, {period}"
        )
