# SPDX-License-Identifier: Apache-2.0
"""A logical line to words: split at blanks, with or without regard to quotes; the words keep quotes and escapes."""

from __future__ import annotations

from estiba.build.recipe.instructions import Word
from estiba.build.recipe.text import BLANKS, Line

SPACES = BLANKS + "\n"


def at_blanks(line: Line) -> list[Word]:
    """Split at blanks alone."""
    return [Word(line.text[begin:end], line.place(begin)) for begin, end in _spans(line.text)]


def quoted(line: Line, escape: str) -> list[Word]:
    """Split at blanks that are neither quoted nor escaped."""
    found = []
    position = 0
    text = line.text
    while position < len(text):
        if text[position] in SPACES:
            position += 1
            continue
        end = end_of_word(text, position, escape)
        found.append(Word(text[position:end], line.place(position)))
        position = end
    return found


def end_of_word(text: str, position: int, escape: str) -> int:
    """Find where the word that begins at a position ends."""
    quote = ""
    while position < len(text):
        character = text[position]
        if character == escape and quote != "'":
            position += 1
        elif quote:
            if character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character in SPACES:
            return position
        position += 1
    return min(position, len(text))


def is_one_word(text: str, escape: str) -> bool:
    """Tell whether a text, put behind a `NAME=`, ends where its word ends."""
    return end_of_word(text, 0, escape) == len(text)


def rest(line: Line) -> Word:
    """Take all of the line as one word, without the blanks around it."""
    stripped = line.text.strip(SPACES)
    begin = len(line.text) - len(line.text.lstrip(SPACES))
    return Word(stripped, line.place(begin))


def _spans(text: str) -> list[tuple[int, int]]:
    spans = []
    begin: int | None = None
    for position, character in enumerate(text):
        if character in SPACES:
            if begin is not None:
                spans.append((begin, position))
            begin = None
        elif begin is None:
            begin = position
    if begin is not None:
        spans.append((begin, len(text)))
    return spans
