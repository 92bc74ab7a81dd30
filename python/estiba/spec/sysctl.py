# SPDX-License-Identifier: Apache-2.0
"""Rules for `linux.sysctl`: only parameters that a namespace of the container has for itself."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import namespaces
from estiba.spec.node import Node
from estiba.spec.words import nearest, quote
from estiba.tables.sysctls import SYSCTL_FIELDS, SYSCTL_PREFIXES, SYSCTLS


def check(config: Node) -> Iterator[Problem]:
    """Judge each parameter."""
    found = namespaces.read(config)
    for key, node in config.at("linux", "sysctl").entries():
        path = parts(key)
        name = ".".join(path)
        kind = owner(name)
        if len(path) < 2 or any(part in ("", ".", "..") or "\0" in part for part in path):
            yield node.problem(f"{quote(key)} is not the name of a kernel parameter")
        elif name in SYSCTL_FIELDS:
            field = SYSCTL_FIELDS[name].lstrip("/")
            yield node.problem(f"{quote(key)} has a field of its own", f'set "{field}" instead')
        elif kind is None:
            near = nearest(name, SYSCTLS, likeness=0.85)
            yield node.problem(
                f"{quote(key)} belongs to the whole host, so no container may set it",
                f"did you mean {quote(near)}?" if near else "set it on the host",
            )
        elif found.lacks(kind):
            yield node.problem(
                f"{quote(key)} needs a {kind} namespace, this container has the host's", namespaces.add(kind)
            )


def parts(key: str) -> list[str]:
    """Split a name into its folders and file below /proc/sys.

    The first separator decides, as in sysctl(8); the other one then stands for a dot within a part:
    net.ipv4.conf.eth0/1.mtu and net/ipv4/conf/eth0.1/mtu are the same.
    """
    first = next((letter for letter in key if letter in "./"), ".")
    return [part.replace("/", ".") for part in key.split(first)]


def owner(name: str) -> str | None:
    """Find the kind of namespace that has this parameter for itself."""
    prefix = next((each for each in SYSCTL_PREFIXES if name.startswith(each)), None)
    return SYSCTLS.get(name) if prefix is None else SYSCTL_PREFIXES[prefix]
