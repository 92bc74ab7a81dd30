# SPDX-License-Identifier: Apache-2.0
"""The exec form: arguments as a JSON array of strings."""

from __future__ import annotations

import json
import re

from estiba.build.recipe.instructions import Warned, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.text import Line
from estiba.build.recipe.words import SPACES
from estiba.spec.words import quote

STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
ALMOST = re.compile(r"\[\s*['\"‘’“”]")
"""What begins like an array of strings; a shell's `[` is followed by a blank and an option or a variable."""


def words(line: Line, warnings: list[Warned]) -> list[Word] | None:
    """Read the array; None if the line is none, and then it is the shell form."""
    begin = len(line.text) - len(line.text.lstrip(SPACES))
    if not line.text.startswith("[", begin):
        return None
    try:
        values, end = json.JSONDecoder(strict=False).raw_decode(line.text, begin)
    except (ValueError, RecursionError):
        values, end = None, begin
    if not isinstance(values, list):
        _warn_if_almost(line, begin, warnings)
        return None
    places = [line.place(match.start()) for match in STRING.finditer(line.text, begin, end)]
    for value in values:
        if not isinstance(value, str):
            raise Fault(
                line.place(begin),
                f"the array may hold strings only, not {quote(value)}",
                'write it in quotes: "1"',
            )
        _refuse_what_no_program_takes(value, line, begin)
    _judge_what_follows(line, end, warnings)
    return [Word(value, place) for value, place in zip(values, places, strict=True)]


def _refuse_what_no_program_takes(value: str, line: Line, begin: int) -> None:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        message = (
            "a string of the array has a NUL, or half of a surrogate pair, which no program can be given"
        )
        raise Fault(line.place(begin), message)


def _judge_what_follows(line: Line, end: int, warnings: list[Warned]) -> None:
    """Leave out a comment, as builders do; anything else would be lost without a word."""
    after = line.text[end:].strip(SPACES)
    if not after:
        return
    place = line.place(len(line.text) - len(line.text[end:].lstrip(SPACES)))
    if not after.startswith("#"):
        raise Fault(
            place, f"{quote(after)} stands after the array", "arguments of the exec form are in the array"
        )
    warnings.append(Warned(place, "what follows the array is left out", "a comment has a line of its own"))


def _warn_if_almost(line: Line, begin: int, warnings: list[Warned]) -> None:
    if ALMOST.match(line.text, begin):
        message = "this looks like a JSON array, and is not one: it is taken as a line for the shell"
        hint = 'JSON strings stand in double quotes, with commas between them: ["program", "argument"]'
        warnings.append(Warned(line.place(begin), message, hint))
