# SPDX-License-Identifier: Apache-2.0
"""Every way to write a Containerfile wrong, and the exact sentences that it earns.

tests/golden/recipe/problems/*.txt: some lines, `---`, then what is said about them; cases are apart by `===`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from estiba.build.recipe import parse
from estiba.errors import BuildFileInvalid
from estiba.tables.phrases import CALLERS

GOLDEN = Path(__file__).parent.parent / "golden" / "recipe" / "problems"


def cases() -> list[Any]:
    """Read all golden files."""
    found = []
    for file in sorted(GOLDEN.glob("*.txt")):
        for case in file.read_text().split("===\n"):
            text, _, said = case.partition("---\n")
            found.append(pytest.param(text, said.strip(), id=f"{file.stem}: {text.strip()}"))
    return found


@pytest.mark.parametrize(("text", "said"), cases())
def test_problem_is_told_in_these_words(text: str, said: str) -> None:
    """Place, what was found, what was expected, a hint."""
    with pytest.raises(BuildFileInvalid) as error:
        parse(text, "C")
    lines = []
    for problem in error.value.problems:
        lines.append(str(problem))
        lines += [f"hint: {problem.hint}"] if problem.hint else []
    assert "\n".join(lines) == said
    assert not [phrase for phrase in CALLERS if any(phrase in line for line in lines)]


def test_every_problem_is_told_at_once() -> None:
    """The error speaks of the first, and has them all in the file's order."""
    with pytest.raises(BuildFileInvalid) as error:
        parse("FROM scratch\nCOPPY a b\nRUN\nENV x\n", "Dockerfile")
    assert [(problem.line, problem.column) for problem in error.value.problems] == [(2, 1), (3, 1), (4, 5)]
    assert str(error.value) == 'Dockerfile:2:1: "COPPY" is not an instruction (and 2 more problems)'
    assert error.value.hint == 'did you mean "COPY"?'
