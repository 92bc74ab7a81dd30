# SPDX-License-Identifier: Apache-2.0
"""Which system calls to ask a filter about: every number in question, and arguments around each compared value."""

import itertools
from collections.abc import Iterator

from seccomp_libseccomp import Profile
from seccomp_meaning import ABIS, IPC, SOCKETCALL, Call, entries
from seccomp_simulator import I386, X32_BIT, X86_64

EDGES = (0x3FFF_FFFF, X32_BIT, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF)
FOREIGN = (0, 0x4000_0028, 0xC000_00B7, X86_64 - 1, I386 + 1, 0xFFFF_FFFF)


def calls(profile: Profile, highest: int, argument_limit: int) -> Iterator[Call]:
    """All of them: numbers from 0 to `highest` and those named, about `argument_limit` argument lists each."""
    for audit, number in numbers(highest):
        yield Call(audit, number)
    lists = argument_lists(profile, argument_limit)
    for audit, number in sorted(compared_numbers(profile)):
        for arguments in lists:
            yield Call(audit, number, arguments)


def argument_values(profile: Profile) -> dict[int, list[int]]:
    """For each argument that the profile compares: the values around what it is compared with."""
    values: dict[int, set[int]] = {}
    for entry in entries(profile):
        for condition in entry.get("args") or []:
            edges = values.setdefault(condition["index"], {0, 1, 0xFFFF_FFFF, 1 << 32, (1 << 64) - 1})
            for value in (condition["value"], condition.get("valueTwo", 0)):
                near = (
                    value - 1,
                    value,
                    value + 1,
                    value ^ 1 << 32,
                    value | 0xFFFF_FFFF << 32,
                    value & 0xFFFF_FFFF,
                )
                edges.update(edge for edge in near if 0 <= edge < 1 << 64)
    return {index: sorted(edges) for index, edges in sorted(values.items())}


def argument_lists(profile: Profile, limit: int) -> list[tuple[int, ...]]:
    """At most about `limit` argument lists: all combinations, thinned evenly."""
    values = argument_values(profile)
    combinations = list(itertools.product(*values.values()))
    step = max(1, len(combinations) // limit)
    lists = []
    for combination in combinations[::step]:
        arguments = [0] * 6
        for index, value in zip(values, combination, strict=True):
            arguments[index] = value
        lists.append(tuple(arguments))
    # A multiplexer's functions are selected by the first argument.
    lists += [(function, *arguments[1:]) for arguments in lists[:8] for function in range(26)]
    return lists


def compared_numbers(profile: Profile) -> set[tuple[int, int]]:
    """The numbers whose answer may depend on arguments."""
    names = {name for entry in entries(profile) if entry.get("args") for name in entry["names"]}
    found = {(abi.audit, abi.numbers[name]) for abi in ABIS.values() for name in names if name in abi.numbers}
    return found | {(I386, SOCKETCALL), (I386, IPC)}


def numbers(highest: int) -> Iterator[tuple[int, int]]:
    """Architectures with numbers: 0 to `highest` in each ABI, the edges, and what is no ABI of this host."""
    for number in range(highest + 1):
        yield I386, number
        yield I386, number | X32_BIT
        yield X86_64, number
        yield X86_64, number | X32_BIT
    for audit in (I386, X86_64, *FOREIGN):
        for number in EDGES:
            yield audit, number
