# SPDX-License-Identifier: Apache-2.0
"""Rules for id mappings, of user namespaces and of mounts."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import namespaces
from estiba.spec.node import Node
from estiba.spec.schema.forms import LAST_ID

ENTRIES = 340
"""The kernel's UID_GID_MAP_MAX_EXTENTS."""

LONGEST = 4095
"""Bytes of a map: less than a page (user_namespaces(7))."""

KEYS = ("uidMappings", "gidMappings")

NUMBERS = ("containerID", "hostID", "size")
"""Of a line of the map, in their order."""

EXAMPLE = 'for example [{"containerID": 0, "hostID": 100000, "size": 65536}]'


def check(config: Node) -> Iterator[Problem]:
    """Judge the mappings of the container's user namespace."""
    found = namespaces.read(config)
    linux = config.at("linux")
    for key in KEYS:
        yield from ranges(linux.at(key))
        if "user" in found.new and not linux.at(key).value:
            where = linux.at(key) if linux.at(key).value == [] else linux
            yield where.problem(f'a new user namespace needs "{key}"', EXAMPLE)


def ranges(mappings: Node) -> Iterator[Problem]:
    """Judge one list: each range within the ids, none over another."""
    entries = mappings.items()
    if len(entries) > ENTRIES:
        yield mappings.problem(f"{len(entries)} mappings, the kernel takes {ENTRIES}")
    numbers = [[entry.at(key).number() for key in NUMBERS] for entry in entries]
    length = sum(len(" ".join(map(str, line))) + 1 for line in numbers)
    if len(entries) <= ENTRIES and length > LONGEST:
        hint = "join ranges that follow each other"
        yield mappings.problem(f"a map of {length} bytes, the kernel takes {LONGEST}", hint)
    for side, word in (("containerID", "inside"), ("hostID", "outside")):
        taken: list[tuple[int, int, str]] = []
        for entry in entries:
            first, size = entry.at(side).number(), entry.at("size").number()
            if first is None or size is None:
                continue
            last = first + size - 1
            if last > LAST_ID:
                yield entry.problem(f"ids {first} to {last} {word} go beyond {LAST_ID}")
                continue
            other = next((place for low, high, place in taken if first <= high and low <= last), None)
            if other is not None:
                yield entry.problem(f"ids {first} to {last} {word} overlap those of {other}")
            taken.append((first, last, entry.pointer))
