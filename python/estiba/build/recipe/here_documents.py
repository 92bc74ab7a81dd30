# SPDX-License-Identifier: Apache-2.0
"""Here-documents of RUN, COPY and ADD: found in the line, then read from the lines below it."""

from __future__ import annotations

import re
from typing import NamedTuple

from estiba.build.recipe.instructions import HereDocument, Place, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.text import Line, Piece, Source
from estiba.build.recipe.words import quoted
from estiba.spec.words import quote

BEGINNING = re.compile(r"\d*<<(?P<tabs>-?)(?P<name>[^<]*)")


class Announced(NamedTuple):
    """A `<<NAME` in a line."""

    name: str
    strips_tabs: bool
    is_quoted: bool
    may_be_other: bool
    """A blank follows `<<`: it may be a shift in arithmetic, too."""
    place: Place


def read(line: Line, source: Source) -> tuple[HereDocument, ...]:
    """Read what the `<<NAME`s of a line announce, in their order."""
    found = []
    for each in announced(line):
        content = source.until(each.name, strips_tabs=each.strips_tabs)
        if content is None:
            if each.may_be_other:
                continue
            source.leave()
            message = f"the here-document {quote(each.name)} has no end"
            raise Fault(each.place, message, f"its end is a line that is {quote(each.name)} and nothing else")
        found.append(HereDocument(each.name, content, not each.is_quoted, each.place))
    return tuple(found)


def announced(line: Line) -> list[Announced]:
    """List what in a line begins a here-document: `<<NAME` as a word of its own, as BuildKit has it."""
    words = quoted(line, "\\")
    found = []
    for number, word in enumerate(words):
        if word.text == "<<" and number + 1 < len(words):
            if (begun := of(Word(f"<<{words[number + 1].text}", word.place))) is not None:
                found.append(begun._replace(may_be_other=True))
        elif (begun := of(word)) is not None:
            found.append(begun)
    return found


def is_alone(command: Word) -> bool:
    """Tell whether a shell line is nothing but the beginning of one here-document."""
    line = Line(command.text, (Piece(0, command.place),))
    words = quoted(line, "\\")
    return len(words) == (2 if words[0].text == "<<" else 1) and len(announced(line)) == 1


def of(word: Word) -> Announced | None:
    """Read a word as the beginning of a here-document; None if it is none."""
    match = BEGINNING.fullmatch(word.text)
    if match is None:
        return None
    name = re.sub(r"\\(.)|['\"]", r"\1", match["name"])
    if not name or "\n" in name:
        return None
    return Announced(name, bool(match["tabs"]), name != match["name"], False, word.place)
