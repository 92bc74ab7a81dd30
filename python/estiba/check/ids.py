# SPDX-License-Identifier: Apache-2.0
"""Ids: are those that the container uses mapped, and may this user map them?"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

from estiba.problems import Problem
from estiba.spec import namespaces
from estiba.spec.node import Node

KINDS = (
    ("uid", "uidMappings", "newuidmap", "/etc/subuid"),
    ("gid", "gidMappings", "newgidmap", "/etc/subgid"),
)


def check(config: Node) -> Iterator[Problem]:
    """Judge users and groups of a container in a new user namespace."""
    if "user" not in namespaces.read(config).new:
        return
    user = config.at("process", "user")
    for name, key, program, table in KINDS:
        mappings = config.at("linux", key)
        used = [user.at(name), *(user.at("additionalGids").items() if name == "gid" else [])]
        for node in used:
            yield from _unmapped(node, name, mappings)
        if os.geteuid() != 0:
            yield from _not_ours(mappings, program, table)


def _unmapped(node: Node, name: str, mappings: Node) -> Iterator[Problem]:
    number = node.number()
    if number is None or not mappings.items():
        return
    for entry in mappings.items():
        first, size = entry.at("containerID").number(), entry.at("size").number()
        if first is None or size is None or first <= number < first + size:
            return
    hint = f'add a range to linux.{name}Mappings that has it, for example with "containerID": {number}'
    yield node.problem(f"{name} {number} is not mapped in the container's user namespace", hint)


def _not_ours(mappings: Node, program: str, table: str) -> Iterator[Problem]:
    own = os.geteuid() if program == "newuidmap" else os.getegid()
    ranges = [
        entry
        for entry in mappings.items()
        if (entry.at("hostID").number(), entry.at("size").number()) != (own, 1)
    ]
    if not ranges:
        return
    from shutil import which  # costs seven modules, and few configs come here

    if which(program) is None:
        yield ranges[0].problem(
            f"a user without privileges needs {program} to map this", "install the package uidmap"
        )
        return
    granted = [(own, 1), *_granted(table)]
    for entry in ranges:
        first, size = entry.at("hostID").number() or 0, entry.at("size").number() or 0
        if not any(low <= first and first + size <= low + count for low, count in granted):
            yield entry.problem(f"{table} does not give this user the ids {first} to {first + size - 1}")


def _granted(table: str) -> list[tuple[int, int]]:
    """Read the ranges of subuid(5) that are the caller's."""
    try:
        names = {str(os.geteuid()), pwd.getpwuid(os.geteuid()).pw_name}
    except KeyError:
        names = {str(os.geteuid())}
    try:
        lines = [line.split(":") for line in Path(table).read_text().splitlines()]
    except OSError:
        return []
    return [
        (int(low), int(count))
        for name, low, count in (line for line in lines if len(line) == 3)
        if name in names
    ]
