# SPDX-License-Identifier: Apache-2.0
"""Any text is a Containerfile or BuildFileInvalid; what is one can be written again and read the same."""

from __future__ import annotations

from typing import Any

from containerfiles import WORDS, containerfiles
from hypothesis import example, given
from hypothesis import strategies as st

from estiba.build.recipe import expand, parse, patterns, render, resolve, variables_of
from estiba.build.recipe.instructions import Place, Recipe, Word
from estiba.build.recipe.problems import Fault
from estiba.errors import BuildFileInvalid


def parsed(text: str) -> Recipe | None:
    """Parse; None where the text is refused, with a place inside of it."""
    try:
        return parse(text)
    except BuildFileInvalid as error:
        count = text.count("\n") + 1
        assert error.problems
        for problem in error.problems:
            assert 1 <= problem.line <= count
            assert problem.column >= 1
            assert "\n" not in str(problem)
        assert list(error.problems) == sorted(error.problems, key=lambda each: (each.line, each.column))
        return None


def without_places(value: Any) -> Any:
    """Return a value with every Place in it made the same."""
    if isinstance(value, Place):
        return Place(0, 0)
    if isinstance(value, tuple):
        changed = [without_places(each) for each in value]
        return type(value)(*changed) if hasattr(value, "_fields") else tuple(changed)
    return value


def written(recipe: Recipe) -> str:
    """Write a whole recipe."""
    every: list[Any] = [*recipe.arguments]
    for stage in recipe.stages:
        every += [stage.base, *stage.instructions]
    head = "# escape=`\n" if recipe.escape == "`" else "# a comment, so that no directive follows\n"
    return head + "\n".join(render(each, escape=recipe.escape) for each in every)


@given(containerfiles)
def test_any_text_is_a_recipe_or_its_problems(text: str) -> None:
    """No other error, ever; a problem is one line and has a place in the file."""
    parsed(text)


@given(st.binary())
def test_any_bytes_are_a_recipe_or_their_problems(data: bytes) -> None:
    """Also what is not UTF-8."""
    try:
        parse(b"FROM scratch\nRUN " + data)
    except BuildFileInvalid as error:
        assert error.problems


@given(containerfiles)
@example("FROM scratch\nENV a b\\ \\\n")
@example("FROM scratch\nRUN -- --x\n")
@example('FROM scratch\nCOPY ["a\tb", "c"]\n')
@example("FROM scratch\nRUN <<\\E\\'\nx\nE'\n")
def test_what_is_written_again_reads_the_same(text: str) -> None:
    """parse, render, parse: equal but for the places."""
    recipe = parsed(text)
    if recipe is None:
        return
    again = parse(written(recipe))
    assert without_places(again.stages) == without_places(recipe.stages)
    assert without_places(again.arguments) == without_places(recipe.arguments)


@given(containerfiles, st.dictionaries(st.sampled_from("XYZ"), st.text(max_size=5)))
def test_whatever_parses_resolves_or_says_why_not(text: str, variables: dict[str, str]) -> None:
    """With any variables; those that are looked at are known before, and no others count."""
    recipe = parsed(text)
    if recipe is None:
        return
    for stage in recipe.stages:
        for instruction in (stage.base, *stage.instructions):
            try:
                made = resolve(instruction, variables, recipe)
            except BuildFileInvalid:
                continue
            used = variables_of(instruction, recipe)
            seen = {name: value for name, value in variables.items() if name in used}
            assert resolve(instruction, seen, recipe) == made


@given(st.lists(WORDS).map("".join), st.sampled_from("\\`"), st.booleans())
def test_any_word_expands_or_is_a_slip(text: str, escape: str, quotes: bool) -> None:
    """The slip's place is behind the word's beginning."""
    word = Word(text, Place(3, 7))
    try:
        parts = expand.parts(word, escape, quotes=quotes)
        expand.value(parts, {"X": "a/b"}, word)
        expand.values(parts, {"X": "a b"}, word)
    except Fault as fault:
        assert fault.place.line == 3
        assert 7 <= fault.place.column <= 7 + len(text)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=12))
def test_patterns_match_what_a_regular_expression_does(text: str, value: str) -> None:
    """The oracle: `*` is `.*`, `?` is `.`."""
    import re

    pattern = patterns.read(text)
    greedy = "".join({"*": ".*", "?": "."}.get(character, character) for character in text)
    lazy = greedy.replace("*", "*?")
    for expression, longest in ((greedy, True), (lazy, False)):
        match = re.match(expression, value)
        ends = [end for end in range(len(value) + 1) if re.fullmatch(greedy, value[:end])]
        wanted = value[(max if longest else min)(ends) :] if match else value
        assert patterns.without_prefix(value, pattern, longest=longest) == wanted
        found = patterns.without_suffix(value[::-1], pattern[::-1], longest=longest)
        assert found == wanted[::-1]
