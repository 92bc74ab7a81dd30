# SPDX-License-Identifier: Apache-2.0
"""The results as text: program x runtime for each view, the sums, the surprises, and the reasons of what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from expected import Known
from tap import Verdict


class Cell(NamedTuple):
    """One result, and what expected.toml says of it."""

    program: str
    runtime: str
    view: str
    verdict: Verdict
    known: Known | None

    @property
    def passed(self) -> bool:
        """Say whether the program found nothing wrong."""
        return not self.verdict.failures

    @property
    def is_surprise(self) -> bool:
        """Say whether expected.toml says otherwise."""
        if self.known is None:
            return not self.passed
        return self.passed and not self.known.is_race

    @property
    def word(self) -> str:
        """What stands in the table."""
        if self.is_surprise:
            return "PASSES" if self.passed else "FAILS"
        failed = "race" if self.known and self.known.is_race else "known"
        return "pass" if self.passed else failed


def render(cells: Sequence[Cell]) -> str:
    """Return the whole report."""
    lines: list[str] = []
    for view in _unique(c.view for c in cells):
        lines += _view(view, [c for c in cells if c.view == view])
    lines += _reasons(cells)
    lines += _surprises(cells)
    return "\n".join(lines) + "\n"


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _view(view: str, cells: Sequence[Cell]) -> Iterator[str]:
    runtimes = _unique(c.runtime for c in cells)
    words = {(c.program, c.runtime): c.word for c in cells}
    widths = [max(len(c.program) for c in cells), *(max(len(r), 7) for r in runtimes)]
    yield _row([f"{view} view", *runtimes], widths)
    yield _row(["-" * w for w in widths], widths)
    for program in _unique(c.program for c in cells):
        yield _row([program, *(words.get((program, r), "-") for r in runtimes)], widths)
    sums = [(r, [c.passed for c in cells if c.runtime == r]) for r in runtimes]
    yield _row(["passed", *(f"{sum(p)}/{len(p)}" for _, p in sums)], widths)
    yield ""


def _row(words: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(word.ljust(width) for word, width in zip(words, widths, strict=True)) + " |"


def _reasons(cells: Sequence[Cell]) -> Iterator[str]:
    failed = [c for c in cells if c.known and not c.passed]
    for known in dict.fromkeys(c.known for c in failed if c.known):
        these = [c for c in failed if c.known == known]
        yield f"{these[0].word}: {', '.join(_unique(c.program for c in these))}"
        yield f"  {', '.join(_unique(c.runtime for c in these))}; {', '.join(_unique(c.view for c in these))}"
        yield f"  {known.reason}"
        yield ""


def _surprises(cells: Sequence[Cell]) -> Iterator[str]:
    for cell in (c for c in cells if c.is_surprise):
        yield f"{cell.word}: {cell.program} with {cell.runtime} in the {cell.view} view"
        if cell.known:
            yield f"  expected.toml says: {cell.known.reason}"
        yield from (f"  {failure}" for failure in cell.verdict.failures[:10])
        if len(cell.verdict.failures) > 10:
            yield f"  and {len(cell.verdict.failures) - 10} more"
