# SPDX-License-Identifier: Apache-2.0
r"""The wildcards of ignore files: `*`, `?`, `**`, `[a-z]`, `[^a-z]`, and `\` before a plain character.

`**/` is any number of whole folders, none too; a `**` at the end is anything; elsewhere it is any folders with their
last slash, as BuildKit has it. Matched without backtracking.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple


class Wild(Enum):
    """What matches more than one character, or none."""

    NAME = "*"
    """Anything within a name."""
    FOLDERS = "**/"
    """Nothing, or anything with a slash at its end."""
    REST = "**"
    """Anything."""


class Set(NamedTuple):
    """One character of some, never a slash."""

    ranges: tuple[tuple[str, str], ...]
    is_negated: bool

    def has(self, character: str) -> bool:
        """Tell whether a character is one of these."""
        found = any(low <= character <= high for low, high in self.ranges)
        return found != self.is_negated and character != "/"


ANY = Set((), True)
"""`?`."""

Token = str | Set | Wild


@functools.lru_cache(maxsize=1024)
def read(pattern: str) -> Sequence[Token]:
    """Read a pattern. Raise ValueError if a set has no end, or a backslash nothing behind it."""
    found: list[Token] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*" and pattern.startswith("*", position):
            position += 1
            position += pattern.startswith("/", position)
            found.append(Wild.REST if position == len(pattern) else Wild.FOLDERS)
        elif character == "*":
            found.append(Wild.NAME)
        elif character == "?":
            found.append(ANY)
        elif character == "[":
            characters, position = _set(pattern, position)
            found.append(characters)
        elif character == "\\":
            if position == len(pattern):
                raise ValueError("a backslash at the end of a pattern has nothing to make plain")
            found.append(pattern[position])
            position += 1
        else:
            found.append(character)
    return found


def matches(tokens: Sequence[Token], path: str) -> bool:
    """Tell whether a pattern matches a whole path."""
    states = _with_nothing({0}, tokens)
    for character in path:
        following: set[int] = set()
        for state in states:
            token = tokens[state] if 0 <= state < len(tokens) else None
            if token is Wild.REST or (token is Wild.NAME and character != "/"):
                following.add(state)
            elif token is Wild.FOLDERS:
                # Inside of the folders only a slash leads on: -1 - state is this state without the way past it.
                following.add(-1 - state)
                if character == "/":
                    following.add(state + 1)
            elif token == character or (isinstance(token, Set) and token.has(character)):
                following.add(state + 1)
            elif state < 0:
                following.add(state)
                if character == "/":
                    following.add(-state)
        states = _with_nothing(following, tokens)
    return len(tokens) in states


def _with_nothing(states: set[int], tokens: Sequence[Token]) -> set[int]:
    """Add the states that are reached by letting a wildcard match nothing."""
    reached = set()
    for state in states:
        reached.add(state)
        while 0 <= state < len(tokens) and isinstance(tokens[state], Wild):
            state += 1
            reached.add(state)
    return reached


def _set(pattern: str, position: int) -> tuple[Set, int]:
    """Read a set from behind its bracket on."""
    begun = position - 1
    negated = pattern.startswith("^", position)
    position += negated
    ranges: list[tuple[str, str]] = []
    while not pattern.startswith("]", position) or not ranges:
        low, position = _member(pattern, position, begun)
        high = low
        if pattern.startswith("-", position) and not pattern.startswith("-]", position):
            high, position = _member(pattern, position + 1, begun)
        ranges.append((low, high))
    return Set(tuple(ranges), negated), position + 1


def _member(pattern: str, position: int, begun: int) -> tuple[str, int]:
    position += pattern.startswith("\\", position)
    if position >= len(pattern):
        raise ValueError(f'the set "{pattern[begun:]}" has no "]"')
    return pattern[position], position + 1
