# SPDX-License-Identifier: Apache-2.0
"""Limits: is there a hierarchy with the controller that each needs?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from estiba.problems import Problem
from estiba.spec import number_list
from estiba.spec.node import Node

NEEDS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("memory",), ("memory",)),
    (("cpu", "shares"), ("cpu",)),
    (("cpu", "quota"), ("cpu",)),
    (("cpu", "cpus"), ("cpuset",)),
    (("cpu", "mems"), ("cpuset",)),
    (("pids",), ("pids",)),
    (("blockIO",), ("io", "blkio")),
    (("hugepageLimits",), ("hugetlb",)),
    (("rdma",), ("rdma",)),
)
"""A limit, and the names of the controller that it needs, on v2 and v1."""


PRESENT = (
    ("cpus", "processors", "/sys/devices/system/cpu/online"),
    ("mems", "memory nodes", "/sys/devices/system/node/online"),
)
"""Lists of numbers, what they number, and where the kernel says which there are."""


def check(config: Node) -> Iterator[Problem]:
    """Judge the limits that are set: zero and empty are how callers leave one unset."""
    resources = config.at("linux", "resources")
    for key, what, file in PRESENT:
        yield from _absent(resources.at("cpu", key), what, file)
    asked = [(node, names) for place, names in NEEDS if _is_set((node := resources.at(*place)).value)]
    if not asked:
        return
    controllers, where = _controllers()
    for node, names in asked:
        if not controllers & set(names):
            hint = "the parent's cgroup.subtree_control hands controllers down; a v1 hierarchy may hold it"
            has = ", ".join(sorted(controllers)) or "none"
            yield node.problem(f'the controller "{names[0]}" is not to be had: {where} has {has}', hint)


def _absent(node: Node, what: str, file: str) -> Iterator[Problem]:
    try:
        there = Path(file).read_text().strip()
    except OSError:
        return  # a kernel without such nodes
    last = max((number_list.ends(node.text())), default=0)
    if last > max(number_list.ends(there), default=last):
        yield node.problem(f'"{node.text()}" names {what} that are absent', f"this host has {there}")


def _is_set(value: object) -> bool:
    if isinstance(value, dict):
        return any(_is_set(each) for each in value.values())
    return bool(value)


def _controllers() -> tuple[set[str], str]:
    """Collect the controllers of all hierarchies; of v2 those that the caller can hand down."""
    found: set[str] = set()
    where = "this host"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields = line.split()
        kind, options = fields[fields.index("-") + 1], fields[-1]
        if kind == "cgroup":
            found |= set(options.split(","))
        elif kind == "cgroup2":
            folder = Path(fields[4]) / ("" if os.geteuid() == 0 else _own_v2().lstrip("/"))
            try:
                found |= set((folder / "cgroup.controllers").read_text().split())
                where = f'"{folder}"' if os.geteuid() else where
            except OSError:
                continue
    return found - {"rw", "ro", "xattr", "seclabel"}, where


def _own_v2() -> str:
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    return next((line[3:] for line in lines if line.startswith("0::")), "/")
