# SPDX-License-Identifier: Apache-2.0
"""Rules for `linux.namespaces`: each kind once, and everything that has to have a namespace has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.tables.namespaces import NAMESPACES


class Namespaces(NamedTuple):
    """Which kinds of namespaces the container has besides those of the host."""

    new: frozenset[str]
    joined: frozenset[str]
    is_sound: bool
    """False if an entry is broken: nobody knows what it was meant to be, so nothing can be said to be missing."""

    def lacks(self, kind: str) -> bool:
        """Tell whether the container surely shares this namespace with the host."""
        return self.is_sound and kind not in self.new and kind not in self.joined


def read(config: Node) -> Namespaces:
    """Collect the kinds that are made and joined."""
    node = config.at("linux", "namespaces")
    new: set[str] = set()
    joined: set[str] = set()
    is_sound = node.value is None or isinstance(node.value, list)
    for entry in node.items():
        kind, path = entry.at("type").text(), entry.at("path").value
        is_sound = is_sound and kind in NAMESPACES and (path is None or isinstance(path, str))
        (new if path is None else joined).add(kind)
    return Namespaces(frozenset(new), frozenset(joined), is_sound)


# What is set: its place, the namespace that it belongs to, what to call it.
NEEDS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("root", "readonly"), "mount", "a read-only root"),
    (("mounts",), "mount", "a mount"),
    (("hostname",), "uts", "a host name"),
    (("domainname",), "uts", "a domain name"),
    (("linux", "rootfsPropagation"), "mount", "a propagation"),
    (("linux", "maskedPaths"), "mount", "a masked path"),
    (("linux", "readonlyPaths"), "mount", "a read-only path"),
    (("linux", "netDevices"), "network", "a network interface"),
    (("linux", "timeOffsets"), "time", "a clock offset"),
    (("linux", "uidMappings"), "user", "an id mapping"),
    (("linux", "gidMappings"), "user", "an id mapping"),
)


def check(config: Node) -> Iterator[Problem]:
    """Judge the list itself and what needs its entries."""
    yield from _duplicates(config.at("linux", "namespaces"))
    namespaces = read(config)
    for place, kind, what in NEEDS:
        node = config.at(*place)
        is_set = node.value is True or (isinstance(node.value, (str, list, dict)) and node.value)
        if is_set and namespaces.lacks(kind):
            yield node.problem(f"{what} needs a {kind} namespace, this container has the host's", add(kind))
    offsets = config.at("linux", "timeOffsets")
    if offsets.value and "time" in namespaces.joined:
        yield offsets.problem(
            "the clocks of a joined time namespace cannot be set", "leave out the offsets, or the path"
        )


def add(kind: str) -> str:
    """Advise to add a namespace."""
    return f'add {{"type": "{kind}"}} to linux.namespaces'


def _duplicates(namespaces: Node) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for entry in namespaces.items():
        kind = entry.at("type").text()
        if kind in NAMESPACES and kind in seen:
            yield entry.problem(f"a second {kind} namespace, the first is at {seen[kind]}")
        seen.setdefault(kind, entry.pointer)
