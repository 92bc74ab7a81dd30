# SPDX-License-Identifier: Apache-2.0
"""Rules for `linux.resources`: limits that fit together. Zero is how callers leave a number unset."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import number_list
from estiba.spec.node import Node
from estiba.spec.words import listed, quote

WEIGHTS = (10, 1000)
"""The kernel's range of blkio.weight; io.weight of cgroup v2 is converted from it."""

SWAPPINESS = 100
UNSET_SWAPPINESS = 2**64 - 1
"""-1 as a number without a sign: how some callers say "unset"; runc reads it so, too."""

PERIODS = (1000, 1_000_000)
"""The kernel's range of a CPU period in microseconds; a quota has the same lower end."""

NO_LIMITS = {
    "cgroup.procs": "moves processes, of the host too",
    "cgroup.threads": "moves threads, of the host too",
    "cgroup.freeze": "would hold the container's init before it runs",
    "cgroup.kill": "ends the container",
    "cgroup.type": "would keep the container's processes out",
    "cgroup.subtree_control": "would keep the container's processes out",
}
"""Files of cgroup v2 that `unified` must not write, and what the kernel does at it (cgroups(7))."""


def check(config: Node) -> Iterator[Problem]:
    """Judge the limits of config.json."""
    resources = config.at("linux", "resources")
    memory = resources.at("memory")
    limit, swap = memory.at("limit").number() or 0, memory.at("swap").number() or 0
    if swap > 0 and not limit:
        yield _swap_alone(memory, swap)
    yield from limits(resources)


def limits(resources: Node) -> Iterator[Problem]:
    """Judge a resources object, also one that stands alone for `update`: what it leaves out is as it was."""
    yield from _memory(resources.at("memory"))
    yield from _cpu(resources.at("cpu"))
    yield from _block_io(resources.at("blockIO"))
    yield from _huge_pages(resources.at("hugepageLimits"))
    for _, device in resources.at("rdma").entries():
        if isinstance(device.value, dict) and not _has_any(device, "hcaHandles", "hcaObjects"):
            yield device.problem('no limit is given, expected "hcaHandles" or "hcaObjects"')
    for file, node in resources.at("unified").entries():
        if not file or "/" in file or "\0" in file or file in (".", ".."):
            yield node.problem(f"{quote(file)} is not the name of a cgroup file")
        elif file in NO_LIMITS:
            yield node.problem(f"{quote(file)} is no limit: it {NO_LIMITS[file]}")


def _has_any(node: Node, *keys: str) -> bool:
    return any(node.at(key).value is not None for key in keys)


def _memory(memory: Node) -> Iterator[Problem]:
    limit, swap = memory.at("limit").number() or 0, memory.at("swap").number() or 0
    # "swap" is memory and swap together, so it has no meaning below or without the limit of memory.
    if swap > 0 and limit < 0:
        yield _swap_alone(memory, swap)
    elif 0 < swap < limit:
        yield memory.at("swap").problem(
            f"memory and swap together ({swap}) are below memory alone ({limit})",
            '"swap" counts both: add what may be swapped to "limit"',
        )
    swappiness = memory.at("swappiness").number() or 0
    if SWAPPINESS < swappiness != UNSET_SWAPPINESS:
        yield memory.at("swappiness").problem(
            f"{swappiness} is out of range, expected a whole number from 0 to {SWAPPINESS}"
        )


def _swap_alone(memory: Node, swap: int) -> Problem:
    message = f"memory and swap are limited to {swap}, memory alone is not"
    return memory.at("swap").problem(message, 'add "limit"')


def _cpu(cpu: Node) -> Iterator[Problem]:
    for key, what in (("cpus", "CPUs"), ("mems", "memory nodes")):
        yield from number_list.check(cpu.at(key), what)
    low, high = PERIODS
    quota, burst = cpu.at("quota").number() or 0, cpu.at("burst").number() or 0
    period = cpu.at("period").number() or 0
    if 0 < quota < low:
        yield cpu.at("quota").problem(f"{quota} microseconds are too few, the kernel takes {low} or more")
    if period and not low <= period <= high:
        yield cpu.at("period").problem(f"{period} is out of range, expected {low} to {high} microseconds")
    if 0 < quota < burst:
        yield cpu.at("burst").problem(f"a burst of {burst} is above the quota of {quota}")
    runtime, span = cpu.at("realtimeRuntime").number() or 0, cpu.at("realtimePeriod").number() or 0
    if 0 < span < runtime:
        yield cpu.at("realtimeRuntime").problem(f"{runtime} microseconds do not fit in a period of {span}")


def _block_io(block_io: Node) -> Iterator[Problem]:
    keys = ("weight", "leafWeight")
    devices = block_io.at("weightDevice").items()
    for node in (holder.at(key) for holder in (block_io, *devices) for key in keys):
        weight, (low, high) = node.number(), WEIGHTS
        if weight and not low <= weight <= high:
            yield node.problem(f"{weight} is out of range, expected {low} to {high}")
    for device in devices:
        if isinstance(device.value, dict) and not _has_any(device, *keys):
            yield device.problem(f"no weight is given, expected {listed(keys)}")


def _huge_pages(limits: Node) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for limit in limits.items():
        size = limit.at("pageSize").text()
        if size and size in seen:
            yield limit.problem(f"pages of {quote(size)} are limited twice, first at {seen[size]}")
        seen.setdefault(size, limit.pointer)
