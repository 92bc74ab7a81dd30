# SPDX-License-Identifier: Apache-2.0
"""The `--name=value` options between an instruction and its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from estiba.build.recipe.instructions import Place, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.text import Line
from estiba.build.recipe.words import SPACES, end_of_word
from estiba.spec.words import advice, quote

TEXT, FLAG, LIST = "text", "flag", "list"
"""What an option takes: one value, true or false, a value each time it is given."""


class Options(NamedTuple):
    """The options of one instruction, in the order written."""

    given: tuple[tuple[str, Word | None], ...]
    """Name and value, None where there is no `=`; the place is the value's, else the option's own."""

    def text(self, name: str) -> Word | None:
        """Return the value of an option that takes one."""
        return next((word for given, word in self.given if given == name), None)

    def every(self, name: str) -> tuple[Word, ...]:
        """Return all values of an option that may be repeated."""
        return tuple(word for given, word in self.given if given == name and word is not None)

    def flag(self, name: str) -> bool | None:
        """Return whether an option is set, None where it is not given."""
        for given, word in self.given:
            if given == name:
                return word is None or word.text.lower() in ("", "true")
        return None


def take(
    line: Line, escape: str, instruction: str, known: Mapping[str, str], refused: Mapping[str, str]
) -> tuple[Options, Line]:
    """Take the options off the front of a line; `refused` are those that we know and do not do, with the reason."""
    given: list[tuple[str, Word | None]] = []
    position = 0
    text = line.text
    while True:
        while position < len(text) and text[position] in SPACES:
            position += 1
        if not text.startswith("--", position):
            break
        end = end_of_word(text, position, escape)
        name, equals, value = text[position:end].partition("=")
        place = line.place(position)
        if name == "--":
            position = end
            break
        _refuse_unknown(name[2:], place, instruction, known, refused)
        word = (
            Word(_unquoted(value, escape), line.place(position + len(name) + 1) if value else place)
            if equals
            else None
        )
        given.append(_checked(name[2:], word, place, known, given))
        position = end
    return Options(tuple(given)), line.part(position)


def _refuse_unknown(
    name: str, place: Place, instruction: str, known: Mapping[str, str], refused: Mapping[str, str]
) -> None:
    if name in refused:
        raise Fault(place, f"{instruction} --{name} is not supported: {refused[name]}")
    if name not in known:
        if not known:
            raise Fault(place, f"{instruction} takes no options, and this is {quote(f'--{name}')}")
        hint = advice(f"--{name}", [f"--{each}" for each in known])
        raise Fault(place, f"{quote(f'--{name}')} is not an option of {instruction}", hint)


def _checked(
    name: str,
    word: Word | None,
    place: Place,
    known: Mapping[str, str],
    given: list[tuple[str, Word | None]],
) -> tuple[str, Word | None]:
    """Hold an option against what it takes."""
    if known[name] != LIST and any(name == earlier for earlier, _ in given):
        raise Fault(place, f"--{name} is given a second time")
    if known[name] == FLAG:
        if word is not None and word.text.lower() not in ("", "true", "false"):
            raise Fault(word.place, f'--{name} is "true" or "false", not {quote(word.text)}')
    elif word is None or not word.text:
        raise Fault(place, f"--{name} needs a value: --{name}=VALUE")
    return name, word


def _unquoted(text: str, escape: str) -> str:
    """Take quotes and escapes off, as BuildKit does with options before it replaces variables in them."""
    kept: list[str] = []
    quotes = ""
    position = 0
    while position < len(text):
        character = text[position]
        if character == escape and quotes != "'" and position + 1 < len(text):
            position += 1
            kept.append(text[position])
        elif character == quotes:
            quotes = ""
        elif not quotes and character in "'\"":
            quotes = character
        else:
            kept.append(character)
        position += 1
    return "".join(kept)
