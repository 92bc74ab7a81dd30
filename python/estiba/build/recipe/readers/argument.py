# SPDX-License-Identifier: Apache-2.0
"""What every reader is handed, and what most of them ask of it."""

from __future__ import annotations

from typing import NamedTuple

from estiba.build.recipe import expand, flags, json_form, words
from estiba.build.recipe.instructions import CommandLine, HereDocument, Place, Warned, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.text import Line


class Argument(NamedTuple):
    """All that follows an instruction's name."""

    keyword: str
    """The instruction's name in capitals."""
    place: Place
    """Of the name."""
    line: Line
    here_documents: tuple[HereDocument, ...]
    escape: str
    warnings: list[Warned]

    def without_options(
        self, known: dict[str, str] | None = None, refused: dict[str, str] | None = None
    ) -> tuple[flags.Options, Argument]:
        """Take the options off."""
        options, line = flags.take(self.line, self.escape, self.keyword, known or {}, refused or {})
        return options, self._replace(line=line)

    def checked(self, *given: Word | None) -> None:
        """Read the variables in words, so that a slip is told before anything is built."""
        for word in given:
            if word is not None:
                expand.parts(word, self.escape)

    def need(self, what: str) -> None:
        """Refuse an instruction without arguments."""
        if not self.line.text.strip(words.SPACES):
            raise Fault(self.place, f"{self.keyword} needs {what}")

    def one(self, what: str) -> Word:
        """Read the whole rest as one word in which variables are replaced."""
        self.need(what)
        word = words.rest(self.line)
        self.checked(word)
        return word

    def many(self) -> tuple[list[Word], bool]:
        """Read words at blanks, or a JSON array; tell which."""
        found = json_form.words(self.line, self.warnings)
        if found is not None:
            return found, True
        return words.at_blanks(self.line), False

    def command(self) -> CommandLine:
        """Read the shell form or the exec form."""
        whole = words.rest(self.line)
        found = json_form.words(self.line, self.warnings)
        if found is not None:
            return CommandLine(tuple(word.text for word in found), False, whole.place)
        return CommandLine((whole.text,), True, whole.place)
