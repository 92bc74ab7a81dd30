# SPDX-License-Identifier: Apache-2.0
r"""Text to logical lines: parser directives, comments, continuation lines, here-documents.

A logical line is what remains of several written ones; it remembers where each of its characters stood.
"""

from __future__ import annotations

import bisect
import re
from typing import NamedTuple

from estiba.build.recipe.instructions import Place, Warned
from estiba.build.recipe.problems import Fault
from estiba.spec.words import advice, quote

LONGEST = 4 << 20
"""Bytes of a Containerfile; BuildKit takes lines of 64 KiB."""

BLANKS = " \t\v\f\r\x85\xa0"
"""What stands between words, and what lines are stripped of; newlines are gone by then."""

DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$")
DIRECTIVES = ("check", "escape", "syntax")


class Piece(NamedTuple):
    """From where on in a logical line the characters are those of another written line."""

    offset: int
    place: Place


class Line(NamedTuple):
    """A logical line: an instruction."""

    text: str
    pieces: tuple[Piece, ...]

    def place(self, offset: int) -> Place:
        """Tell where the character at an offset was written."""
        at = bisect.bisect_right(self.pieces, offset, key=lambda piece: piece.offset) - 1
        piece = self.pieces[max(at, 0)]
        return Place(piece.place.line, piece.place.column + offset - piece.offset)

    def part(self, start: int) -> Line:
        """Take the line from an offset on."""
        first = Piece(0, self.place(start))
        later = (Piece(p.offset - start, p.place) for p in self.pieces if p.offset > start)
        return Line(self.text[start:], (first, *later))


class Source:
    """A Containerfile being read from the top."""

    def __init__(self, text: str | bytes) -> None:
        self._lines = _decoded(text).split("\n")
        if self._lines[-1] == "":
            self._lines.pop()
        self._next = 0
        self.escape = "\\"
        self.syntax: str | None = None
        self.warnings: list[Warned] = []
        self._read_directives()

    def line(self) -> Line | None:
        """Read the next logical line; None at the end."""
        while self._next < len(self._lines):
            start, written = self._take()
            stripped = written.lstrip(BLANKS)
            if not stripped or stripped.startswith("#"):
                continue
            begin = len(written) - len(stripped)
            body, continues = self._without_escape(stripped)
            if not body and not continues:
                continue
            texts, pieces = [body], [Piece(0, Place(start, begin + 1))]
            while continues and self._next < len(self._lines):
                number, written = self._take()
                stripped = written.strip(BLANKS)
                if stripped.startswith("#"):
                    continue
                if not stripped:
                    self._warn_of_empty_line(number)
                    continue
                body, continues = self._without_escape(written)
                pieces.append(Piece(sum(map(len, texts)), Place(number, 1)))
                texts.append(body)
            if text := self._without_last_escape("".join(texts)):
                return Line(text, tuple(pieces))
        return None

    def until(self, delimiter: str, *, strips_tabs: bool) -> str | None:
        """Read the lines up to the one that is the delimiter; None, and nothing read, if there is none."""
        begun = self._next
        taken: list[str] = []
        while self._next < len(self._lines):
            line = self._lines[self._next]
            self._next += 1
            if strips_tabs:
                line = line.lstrip("\t")
            if line.rstrip("\r") == delimiter:
                return "".join(taken)
            taken.append(f"{line}\n")
        self._next = begun
        return None

    def leave(self) -> None:
        """Go to the end: what is left cannot be told apart."""
        self._next = len(self._lines)

    def _take(self) -> tuple[int, str]:
        self._next += 1
        return self._next, self._lines[self._next - 1].rstrip("\r")

    def _without_escape(self, line: str) -> tuple[str, bool]:
        """Take the continuation character off; two of them are none."""
        bare = line.rstrip(" \t")
        if bare.endswith(self.escape) and not bare.endswith(self.escape * 2):
            return bare[:-1], True
        return line, False

    def _without_last_escape(self, text: str) -> str:
        """Take off the continuation characters that the end of the file, or a comment, left behind."""
        continues = True
        while continues:
            text, continues = self._without_escape(text)
        return text

    def _warn_of_empty_line(self, number: int) -> None:
        where = Place(number, 1)
        self.warnings.append(Warned(where, "an empty line inside of an instruction is left out", None))

    def _read_directives(self) -> None:
        """Read the `# name=value` lines at the top; the first line of any other kind ends them."""
        seen: set[str] = set()
        for number, line in enumerate(self._lines, 1):
            match = DIRECTIVE.match(line.strip(BLANKS))
            name = match[1].lower() if match else None
            if match is None or name not in DIRECTIVES:
                if name and (hint := advice(name, DIRECTIVES)) and hint.startswith("did"):
                    message = f"{quote(match[1] if match else name)} is a comment, not a parser directive"
                    self.warnings.append(Warned(Place(number, 1), message, hint))
                return
            if name in seen:
                raise Fault(Place(number, 1), f"the directive {quote(name)} stands here a second time")
            seen.add(name)
            if name == "syntax":
                self.syntax = match[2]
            elif name == "escape":
                self._set_escape(match[2], Place(number, line.index(match[2]) + 1))

    def _set_escape(self, value: str, place: Place) -> None:
        if value not in ("\\", "`"):
            message = f'the escape character is "\\" or "`", not {quote(value)}'
            raise Fault(place, message)
        self.escape = value


def _decoded(text: str | bytes) -> str:
    """Return the text, or say where it is none."""
    if len(text) > LONGEST:
        raise Fault(Place(1, 1), f"the file has more than {LONGEST >> 20} MiB, which no Containerfile has")
    if not isinstance(text, str):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            good, wrong = error.object[: error.start].decode(), error.object[error.start]
            raise Fault(_end(good), f"byte 0x{wrong:02x} is not UTF-8") from None
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        raise Fault(_end(text[: text.index("\0")]), "a NUL character, which no instruction can hold")
    return text


def _end(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)
