# SPDX-License-Identifier: Apache-2.0
"""Ignore files: which is read, how its lines are, what they match."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estiba.build import ignore, wildcards
from estiba.errors import BuildFileInvalid


def is_out(patterns: str, path: str) -> bool:
    """Tell whether a path is left out by an ignore file."""
    return ignore.parse(patterns.encode(), "i").deciding(path) is not None


@pytest.mark.parametrize(
    ("patterns", "out", "kept"),
    [
        ("a", ["a", "a/b", "a/b/c"], ["b", "ab", "b/a"]),
        ("/a/", ["a", "a/b"], ["b/a"]),
        ("./a/../b//c", ["b/c", "b/c/d"], ["a", "b"]),
        ("*.o", ["x.o", ".o", "d.o/x"], ["a/x.o", "x.oo"]),
        ("*/*.o", ["a/x.o"], ["x.o", "a/b/x.o"]),
        ("**/*.o", ["x.o", "a/x.o", "a/b/x.o"], ["x.c"]),
        ("a/**", ["a/b", "a/b/c"], ["a", "b"]),
        ("a/**/z", ["a/z", "a/b/z", "a/b/c/z", "a/z/y"], ["a/bz", "z"]),
        ("**", ["a", "a/b"], []),
        ("**x", ["x", "a/x", "a/b/x"], ["ax"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("[a-c]x\n[^a-c]y", ["ax", "dy"], ["dx", "ay"]),
        ("[]]", ["]"], ["a"]),
        (r"[\]-a]", ["]", "_", "a"], ["b"]),
        (r"\*\!", ["*!"], ["x!"]),
        ("*\n!a", ["b", "b/a"], ["a", "a/b"]),
        ("*\n!a/b", ["a", "a/c"], ["a/b", "a/b/c"]),
        ("!a\n*", ["a"], []),
        ("*.md\n!README*.md\nREADME-secret.md", ["a.md", "README-secret.md"], ["README.md", "README-x.md"]),
        ("# c\n #d\n\n  a  \n! b", ["a", "#d"], ["# c", "b"]),
        ("\ufeffa", ["a"], ["\ufeffa"]),
        ("a\r\nb\r\n", ["a", "b"], []),
        ("x.(y)+{z}|$", ["x.(y)+{z}|$"], ["x"]),
        ("/", [], ["a"]),
    ],
)
def test_patterns_leave_out(patterns: str, out: list[str], kept: list[str]) -> None:
    """What is left out, and what is not."""
    assert [path for path in out + kept if is_out(patterns, path)] == out


def test_deciding_rule_is_told_with_its_line() -> None:
    """For the message of a COPY whose source is left out."""
    rule = ignore.parse(b"# c\n*\n!a\n**/b\n", "i").deciding("a/b")
    assert rule is not None
    assert (rule.line, rule.pattern) == (4, "**/b")


def test_patterns_are_clean_for_the_engine() -> None:
    """Without comments, blanks and slashes at the ends."""
    assert ignore.parse(b"# c\n /a/ \n! ./b/../c\n", "i").patterns == ("a", "!c")


def test_bad_patterns_are_told_all_at_once() -> None:
    """With their lines."""
    with pytest.raises(BuildFileInvalid) as error:
        ignore.parse(b"[a\nb\nc\\\n!\n", ".dockerignore")
    assert [str(problem) for problem in error.value.problems] == [
        '.dockerignore:1:1: the set "[a" has no "]"',
        ".dockerignore:3:1: a backslash at the end of a pattern has nothing to make plain",
        '.dockerignore:4:1: a pattern is missing after "!"',
    ]


def test_first_file_that_is_there_counts(tmp_path: Path) -> None:
    """The Containerfile's own before the context's, .containerignore before .dockerignore."""
    recipe = tmp_path / "x.Dockerfile"
    assert ignore.find(str(tmp_path), str(recipe)) == ignore.Ignore("", ())
    for name in (
        ".dockerignore",
        ".containerignore",
        "x.Dockerfile.dockerignore",
        "x.Dockerfile.containerignore",
    ):
        (tmp_path / name).write_text("a\n")
        assert ignore.find(str(tmp_path), str(recipe)).file == name
    assert ignore.find(str(tmp_path), None).file == ".containerignore"


PATTERN = st.lists(
    st.sampled_from(["a", "b", "/", "*", "?", "**/", "**", "[ab]", "[^a]", "."]), max_size=7
).map("".join)


@given(PATTERN, st.text("ab/.", max_size=8))
def test_wildcards_match_what_a_regular_expression_does(pattern: str, path: str) -> None:
    """The oracle: BuildKit's translation, with sets that do not match a slash."""
    tokens = wildcards.read(pattern)
    expression = ""
    for token in tokens:
        if isinstance(token, wildcards.Wild):
            expression += {"*": "[^/]*", "**/": "(.*/)?", "**": ".*"}[token.value]
        elif isinstance(token, wildcards.Set):
            inner = "".join(f"{low}-{high}" for low, high in token.ranges)
            expression += f"(?!/)[{'^' if token.is_negated else ''}{inner}]" if inner else "[^/]"
        else:
            expression += re.escape(str(token))
    assert wildcards.matches(tokens, path) == (re.fullmatch(expression, path) is not None)


@given(st.binary())
def test_any_bytes_are_an_ignore_file_or_its_problems(data: bytes) -> None:
    """No other error, and every path can be asked for."""
    try:
        found = ignore.parse(data, "i")
    except BuildFileInvalid as error:
        assert error.problems
        return
    found.deciding("a/b/c")
