# SPDX-License-Identifier: Apache-2.0
"""How what is wrong with a Containerfile is gathered: each line goes on to the next, and one error has them all."""

from __future__ import annotations

from collections.abc import Iterable

from estiba.build.recipe.instructions import Place
from estiba.errors import BuildFileInvalid
from estiba.problems import BuildFileProblem


class Fault(Exception):
    """One instruction cannot be read any further; caught where the next one begins."""

    def __init__(self, place: Place, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.place = place
        self.message = message
        self.hint = hint

    def problem(self, file: str) -> BuildFileProblem:
        """Say it of a file."""
        return BuildFileProblem(file, self.place.line, self.place.column, self.message, self.hint)


def invalid(file: str, faults: Iterable[Fault]) -> BuildFileInvalid:
    """Make the error of these faults, in the file's order: it speaks of the first, and has them all."""
    problems = tuple(fault.problem(file) for fault in sorted(faults, key=lambda fault: fault.place))
    first, more = problems[0], len(problems) - 1
    rest = f" (and {more} more {'problem' if more == 1 else 'problems'})" if more else ""
    return BuildFileInvalid(f"{first}{rest}", hint=first.hint, problems=problems)
