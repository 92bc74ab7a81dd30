# SPDX-License-Identifier: Apache-2.0
"""Where in a JSON text its values stand: asked for only when there is a problem to point at."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from estiba.spec.json_faults import TOKEN
from estiba.spec.node import child


class Position(NamedTuple):
    """A place in a text, counted from 1; columns in characters."""

    line: int
    column: int


def positions(text: str, pointers: Iterable[str]) -> dict[str, Position]:
    """Find where the value of each JSON pointer begins; one that is absent has the place of what should hold it.

    `text` must be JSON.
    """
    wanted = {each for pointer in pointers for each in _with_holders(pointer)}
    starts = {pointer: offset for pointer, offset in _values(text) if pointer in wanted}
    lines = [0, *(at + 1 for at, letter in enumerate(text) if letter == "\n")]
    found = {}
    for pointer in wanted:
        offset = next((starts[each] for each in _with_holders(pointer) if each in starts), 0)
        line = bisect_right(lines, offset)
        found[pointer] = Position(line, offset - lines[line - 1] + 1)
    return found


def _with_holders(pointer: str) -> Iterator[str]:
    """Name a pointer, then what holds it, up to the whole document."""
    yield pointer
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def _values(text: str) -> Iterator[tuple[str, int]]:
    """Name every value of the text with its offset."""
    open_: list[tuple[str, int | None]] = []
    """Pointer of each array or object that is open, and the index of an array's next item; None for an object."""
    pointer, is_name = "", False
    for match in TOKEN.finditer(text):
        token = match[0]
        if token in ("}", "]"):
            open_.pop()
        elif token == ",":
            holder, index = open_[-1]
            is_name = index is None
            if index is not None:
                open_[-1] = (holder, index + 1)
                pointer = child(holder, index + 1)
        elif is_name:
            pointer, is_name = child(open_[-1][0], json.loads(token)), False
        elif token != ":":
            yield pointer, match.start()
            if token == "{":
                open_.append((pointer, None))
                is_name = True
            elif token == "[":
                open_.append((pointer, 0))
                pointer = child(pointer, 0)
        if token in ("}", "]"):
            is_name = False
