# SPDX-License-Identifier: Apache-2.0
r"""The patterns of `${X#p}` and its kin: `*`, `?`, and `\` before one of them. Matched without backtracking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from estiba.spec.words import quote


class Wild(Enum):
    """What is not a plain character."""

    ANY = "*"
    ONE = "?"


Pattern = Sequence[str | Wild]


def read(text: str) -> Pattern:
    """Read a pattern. Raise ValueError if an escape is of nothing that needs one."""
    found: list[str | Wild] = []
    characters = iter(text)
    for character in characters:
        if character == "*":
            found.append(Wild.ANY)
        elif character == "?":
            found.append(Wild.ONE)
        elif character == "\\":
            following = next(characters, "")
            if not following or following not in "*?\\}/":
                message = f"a backslash escapes *, ?, }}, / or itself, not {quote(following)}"
                raise ValueError(message if following else "the pattern ends in a lone backslash")
            found.append(following)
        else:
            found.append(character)
    return found


def without_prefix(text: str, pattern: Pattern, *, longest: bool) -> str:
    """Take off what matches at the beginning."""
    ends = list(_ends(text, pattern, 0))
    return text[(ends[-1] if longest else ends[0]) :] if ends else text


def without_suffix(text: str, pattern: Pattern, *, longest: bool) -> str:
    """Take off what matches at the end."""
    return without_prefix(text[::-1], pattern[::-1], longest=longest)[::-1]


def replaced(text: str, pattern: Pattern, replacement: str, *, every: bool) -> str:
    """Put the replacement where the pattern matches, the longest match first; what is empty is no match."""
    made: list[str] = []
    position = 0
    while position < len(text):
        end = max(_ends(text, pattern, position), default=position)
        if end == position:
            made.append(text[position])
            position += 1
            continue
        made.append(replacement)
        position = end
        if not every:
            break
    return "".join(made) + text[position:]


def _ends(text: str, pattern: Pattern, begin: int) -> Iterator[int]:
    """List where matches that begin at a position end, in ascending order: all states of the pattern at once."""
    final = len(pattern)
    states = _with_stars({0}, pattern)
    position = begin
    while states:
        if final in states:
            yield position
        if position == len(text):
            return
        character = text[position]
        following = set()
        for state in states:
            if state < final:
                wanted = pattern[state]
                if wanted is Wild.ANY:
                    following.add(state)
                elif wanted is Wild.ONE or wanted == character:
                    following.add(state + 1)
        states = _with_stars(following, pattern)
        position += 1


def _with_stars(states: set[int], pattern: Pattern) -> set[int]:
    """Add the states that are reached by letting a `*` match nothing more."""
    reached = set()
    for state in states:
        reached.add(state)
        while state < len(pattern) and pattern[state] is Wild.ANY:
            state += 1
            reached.add(state)
    return reached
