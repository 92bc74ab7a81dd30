# SPDX-License-Identifier: Apache-2.0
"""Variables in words: what each form gives, as BuildKit's rules have it."""

from __future__ import annotations

import pytest

from estiba.build.recipe import expand, parse, resolve, variables_of
from estiba.build.recipe.instructions import Copy, Expose, HereDocument, Instruction, Place, Run, Word
from estiba.build.recipe.problems import Fault
from estiba.errors import BuildFileInvalid

VARIABLES = {"X": "value", "E": "", "P": "/a/b.tar.gz", "S": "a b  c", "GLOB": "*.x", "N": "\\*"}


def expanded(text: str, escape: str = "\\", *, quotes: bool = True) -> str:
    """Put VARIABLES into a word."""
    word = Word(text, Place(1, 1))
    return expand.value(expand.parts(word, escape, quotes=quotes), VARIABLES, word)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$X", "value"),
        ("${X}", "value"),
        ("a${X}b$X", "avaluebvalue"),
        ("$Xy", ""),
        ("$X-y", "value-y"),
        ("$missing|", "|"),
        ("$", "$"),
        ("$ x", "$ x"),
        ("$.", "$."),
        ("$1a$@b$?c$$d$#e$*f$!g", "abcdefg"),
        ("${X:-w}|${E:-w}|${M:-w}", "value|w|w"),
        ("${X-w}|${E-w}|${M-w}", "value||w"),
        ("${X:+w}|${E:+w}|${M:+w}", "w||"),
        ("${X+w}|${E+w}|${M+w}", "w|w|"),
        ("${X:?no}|${X?no}|${E?no}", "value|value|"),
        ("${M:-${N:-x}}", "\\*"),
        ("${M:-a b}", "a b"),
        ("${M:-'a}b'}", "a}b"),
        (r"${M:-a\}b}", "a}b"),
        ("${P#/a/}", "b.tar.gz"),
        ("${P#*/}", "a/b.tar.gz"),
        ("${P##*/}", "b.tar.gz"),
        ("${P%.*}", "/a/b.tar"),
        ("${P%%.*}", "/a/b"),
        ("${P%.?z}", "/a/b.tar"),
        ("${P#x}", "/a/b.tar.gz"),
        ("${M#x}|${M%x}|${M/x/y}", "||"),
        ("${P/a/A}", "/A/b.tar.gz"),
        ("${P//a/A}", "/A/b.tAr.gz"),
        (r"${P//\//:}", ":a:b.tar.gz"),
        ("${P/.*/}", "/a/b"),
        ("${GLOB/*/y}", "y"),
        ("${GLOB/$N/y}", "y.x"),
        (r"${GLOB/\*/y}", "y.x"),
        ("'$X'", "$X"),
        ('"$X"', "value"),
        ("\"'$X'\"", "'value'"),
        ("'\"'", '"'),
        ("a'b c'd", "ab cd"),
        (r"\$X", "$X"),
        (r"\\$X", "\\value"),
        (r"\a", "a"),
        (r'"\a\"\$\\"', '\\a"$\\'),
        (r"'\a'", r"\a"),
        ('""', ""),
        ("\\", ""),
    ],
)
def test_form_gives_this_value(text: str, value: str) -> None:
    """Each form, also where a variable is empty or not set."""
    assert expanded(text) == value


def test_escape_character_may_be_a_back_quote() -> None:
    """Then a backslash is plain."""
    assert expanded("`$X C:\\x", "`") == "$X C:\\x"


def test_here_document_has_no_quotes() -> None:
    """Only variables and backslashes mean something in it."""
    assert expanded('it\'s "$X" \\$X\n', quotes=False) == 'it\'s "value" $X\n'


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("${M:?set it}", 1, 'the variable "M" is not set: set it'),
        ("${M?}", 1, 'the variable "M" is not set'),
        ("${E:?}", 1, 'the variable "E" is empty'),
        (r"${X#\a}", 1, r'in ${X#...}: a backslash escapes *, ?, }, / or itself, not "a"'),
        ("a${X", 2, 'a "}" is missing after "${"'),
        ("a${X:-b", 8, 'a "}" is missing at the end of ${...}'),
        ("a'b", 2, "this single quote has no other"),
        ("a${ X}", 2, 'a variable\'s name has to follow "${"'),
        ("${X:-" * 60, 251, "variables stand in each other more than 50 deep"),
    ],
)
def test_slip_is_told_with_its_place(text: str, column: int, message: str) -> None:
    """The column is that of the slip where reading finds it, of the word where the values do."""
    with pytest.raises(Fault) as fault:
        expanded(text)
    assert (fault.value.place.column, fault.value.message) == (column, message)


def instruction(text: str) -> Instruction:
    """Parse one instruction below a FROM."""
    return parse(f"FROM scratch\n{text}").stages[0].instructions[0]


RECIPE = parse("FROM scratch")


def test_expose_splits_what_a_variable_holds() -> None:
    """One word may become several ports, a quoted one stays."""
    made = resolve(instruction('EXPOSE $S x"$S"y'), VARIABLES, RECIPE)
    assert isinstance(made, Expose)
    assert [word.text for word in made.ports] == ["a", "b", "c", "xa b  cy"]


def test_copy_has_variables_in_all_but_from() -> None:
    """Sources, destination, owner, mode, excludes, here-documents that are not quoted."""
    text = "COPY --chown=$X --chmod=$X --exclude=$X $X <<a <<'b' /$X\n$X\na\n$X\nb\n"
    made = resolve(instruction(text), VARIABLES, RECIPE)
    assert isinstance(made, Copy)
    paths = [each.content if isinstance(each, HereDocument) else each.text for each in made.sources]
    assert paths == ["value", "value\n", "$X\n"]
    assert [word.text for word in (made.target, made.owner, made.mode, *made.excludes) if word] == [
        "/value",
        "value",
        "value",
        "value",
    ]


def test_run_has_variables_in_its_mounts_alone() -> None:
    """The command's are the shell's."""
    made = resolve(
        instruction("RUN --mount=type=cache,target=/$X,mode=$M,id=$X echo $X"),
        {**VARIABLES, "M": "0700"},
        RECIPE,
    )
    assert isinstance(made, Run)
    (mount,) = made.mounts
    assert (mount.target, mount.mode, mount.id, made.command.words) == (
        "/value",
        0o700,
        "value",
        ("echo $X",),
    )


@pytest.mark.parametrize(
    "text",
    ["CMD $X", "ENTRYPOINT $X", 'SHELL ["$X"]', "HEALTHCHECK CMD $X", "ONBUILD RUN $X", "MAINTAINER $X"],
)
def test_what_is_for_later_keeps_its_variables(text: str) -> None:
    """Somebody else replaces them."""
    assert resolve(instruction(text), VARIABLES, RECIPE) == instruction(text)
    assert variables_of(instruction(text), RECIPE) == frozenset()


def test_names_of_variables_are_found_wherever_they_are() -> None:
    """Also within each other, in patterns and in mounts."""
    assert variables_of(instruction("ENV a=${b:-$c} d=\"${e#$f}\" g='$h'"), RECIPE) == {"b", "c", "e", "f"}
    assert variables_of(instruction("RUN --mount=target=/$a,from=b $c"), RECIPE) == {"a"}
    assert variables_of(instruction("COPY <<a <<'b' /\n$c\na\n$d\nb\n"), RECIPE) == {"c"}


def test_variable_that_has_to_be_set_is_asked_for_with_file_and_place() -> None:
    """`${X:?...}` stops the build."""
    recipe = parse("FROM scratch\nWORKDIR /${DIR:?tell me}", "D")
    with pytest.raises(BuildFileInvalid) as error:
        resolve(recipe.stages[0].instructions[0], {}, recipe)
    assert str(error.value) == 'D:2:9: the variable "DIR" is not set: tell me'
    assert error.value.hint == "set it by ARG DIR or ENV"
