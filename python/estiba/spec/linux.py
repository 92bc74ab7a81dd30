# SPDX-License-Identifier: Apache-2.0
"""Rules for what is left of `linux`: cgroup path, interfaces, clocks, memory policy, RDT, personality."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import number_list
from estiba.spec.node import Node
from estiba.spec.words import advice, quote
from estiba.tables.memory_policy import WITH_NODES, WITHOUT_NODES

CLOCKS = ("monotonic", "boottime")

INTERFACE_BYTES = 15
"""The kernel's IFNAMSIZ less the final NUL."""


def check(config: Node) -> Iterator[Problem]:
    """Judge the smaller sections."""
    linux = config.at("linux")
    path = linux.at("cgroupsPath")
    if ".." in path.text().split("/"):
        yield path.problem(f'{quote(path.value)} has "..", which would leave the cgroup that it starts from')
    for clock, node in linux.at("timeOffsets").entries():
        if clock not in CLOCKS:
            yield node.problem(f"{quote(clock)} is not a clock that can be set", advice(clock, CLOCKS))
    yield from _interfaces(linux.at("netDevices"))
    yield from _memory_policy(linux.at("memoryPolicy"))
    group = linux.at("intelRdt", "closID")
    if group.text() in (".", "..") or (len(group.text()) > 1 and "/" in group.text()):
        yield group.problem(f"{quote(group.value)} is not the name of a class of service")
    flags = linux.at("personality", "flags")
    if flags.items():
        yield flags.problem("no flags of a personality are defined", "leave them out")


def _interfaces(devices: Node) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for outside, device in devices.entries():
        inside = device.at("name").text() or outside
        for name, node in ((outside, device), (inside, device.at("name"))):
            if not _is_interface(name):
                message = f"{quote(name)} is not the name of a network interface"
                yield node.problem(message, f"at most {INTERFACE_BYTES} bytes, without blanks, / and :")
                break
        if inside in seen and "%d" not in inside:
            yield device.problem(f"{quote(inside)} is taken inside the container by {seen[inside]}")
        seen.setdefault(inside, device.pointer)


def _is_interface(name: str) -> bool:
    # dev_valid_name in the kernel's net/core/dev.c
    return (
        0 < len(name.encode(errors="replace")) <= INTERFACE_BYTES
        and name not in (".", "..")
        and not any(letter in "/:\0" or letter.isspace() for letter in name)
    )


def _memory_policy(policy: Node) -> Iterator[Problem]:
    mode, nodes = policy.at("mode").text(), policy.at("nodes")
    yield from number_list.check(nodes, "memory nodes")
    if mode in WITHOUT_NODES and nodes.text().strip():
        yield nodes.problem(f"{mode} takes no nodes, found {quote(nodes.value)}")
    if mode in WITH_NODES and not nodes.text().strip():
        where = nodes if nodes.value is not None else policy
        yield where.problem(f'{mode} needs "nodes"', 'for example "0-1"')
