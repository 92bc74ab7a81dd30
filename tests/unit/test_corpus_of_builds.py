# SPDX-License-Identifier: Apache-2.0
"""The corpus itself: every case can be read, and all of the language is in it."""

from __future__ import annotations

from typing import Any

import pytest

from compare.cases import Case, corpus
from estiba.build import ignore
from estiba.build.recipe import Scope, parse, render, resolve
from estiba.build.recipe.parse import READERS
from estiba.build.recipe.scope import platform_arguments

CASES = corpus()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case_is_a_containerfile(case: Case) -> None:
    """It parses, its target is there, its FROMs resolve, its ignore file is one."""
    recipe = parse(case.text)
    scope = Scope(recipe, case.arguments, platform_arguments("linux/amd64", "linux/amd64"))
    for stage in recipe.stages:
        image = resolve(stage.base, scope.variables, recipe).image.text
        named = {each.name for each in recipe.stages} | {
            "scratch",
            "localhost/base:debian",
            "localhost/base:busybox",
        }
        assert image in named | {name for name, _ in case.bases}
    assert case.target is None or case.target in {stage.name for stage in recipe.stages}
    assert not scope.unused()
    ignore.find(str(case.folder), str(case.folder / "Containerfile"))


def test_corpus_has_every_instruction() -> None:
    """So that each is built and compared."""
    texts = [case.text for case in CASES] + [text for case in CASES for _, text in case.bases]
    kinds = set()
    for text in texts:
        for stage in parse(text).stages:
            every: list[Any] = [stage.base, *stage.instructions]
            kinds |= {render(each).split()[0] for each in every}
    assert kinds == set(READERS)
