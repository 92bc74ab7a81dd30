# SPDX-License-Identifier: Apache-2.0
"""Containerfiles as text: directives, comments, continuation lines, here-documents, and where everything stands."""

from __future__ import annotations

import pytest

from estiba.build.recipe import parse, render
from estiba.build.recipe.instructions import Copy, HereDocument, Instruction, Place, Run
from estiba.errors import BuildFileInvalid


def below(text: str | bytes) -> list[Instruction]:
    """Parse what stands below a FROM."""
    begin = b"FROM scratch\n" if isinstance(text, bytes) else "FROM scratch\n"
    return list(parse(begin + text).stages[0].instructions)  # type: ignore[operator]  # both are of one type


def run(text: str) -> Run:
    """Parse one RUN below a FROM."""
    (found,) = below(text)
    assert isinstance(found, Run)
    return found


def documents(instruction: Instruction) -> list[tuple[str, str, bool]]:
    """Return name, content and whether variables are replaced, of each here-document."""
    assert isinstance(instruction, Run | Copy)
    found = instruction.here_documents if isinstance(instruction, Run) else instruction.sources
    return [(each.name, each.content, each.expands) for each in found if isinstance(each, HereDocument)]


def test_syntax_directive_is_read_and_has_no_effect() -> None:
    """`# syntax=` names another frontend, and there is none."""
    recipe = parse("# Syntax = docker/dockerfile:1.7\nFROM scratch")
    assert (recipe.syntax, recipe.escape, recipe.warnings) == ("docker/dockerfile:1.7", "\\", ())


def test_escape_directive_changes_continuation_and_escape() -> None:
    """With a back quote, a backslash is a plain character."""
    recipe = parse("# escape=`\nFROM scratch\nRUN dir C:\\ `\n  && x\n")
    assert render(recipe.stages[0].instructions[0], escape="`") == "RUN dir C:\\   && x"


def test_directives_end_at_the_first_other_line() -> None:
    """A comment, a blank line or an instruction before it makes a directive a comment."""
    for before in ("# a comment\n", "\n", "ARG x\n"):
        assert parse(f"{before}# escape=`\nFROM scratch").escape == "\\"


def test_check_directive_is_accepted() -> None:
    """`# check=` is for linters."""
    assert parse("# check=skip=all;error=true\n# escape=`\nFROM scratch").escape == "`"


def test_comments_stand_alone_on_their_line() -> None:
    """A `#` inside of an instruction is a character like others."""
    assert run("# one\n  # two\nRUN echo # three\n").command.words == ("echo # three",)


def test_comments_inside_of_an_instruction_are_left_out() -> None:
    """Also those with blanks in front."""
    assert run("RUN a \\\n# one\n   # two\n  && b").command.words == ("a   && b",)


def test_empty_lines_inside_of_an_instruction_are_left_out_with_a_warning() -> None:
    """Builders have warned of it for years."""
    recipe = parse("FROM scratch\nRUN a \\\n\n  b\n")
    assert render(recipe.stages[0].instructions[0]) == "RUN a   b"
    assert [(w.place, w.message) for w in recipe.warnings] == [
        (Place(3, 1), "an empty line inside of an instruction is left out")
    ]


def test_continuation_character_may_have_blanks_behind_it() -> None:
    """As editors leave them."""
    assert run("RUN a \\ \t\nb").command.words == ("a b",)


def test_doubled_escape_at_the_end_of_a_line_continues_nothing() -> None:
    """It is an escaped escape character."""
    assert [render(each) for each in below("RUN echo a\\\\\nRUN b")] == ["RUN echo a\\\\", "RUN b"]


def test_continuation_at_the_end_of_the_file_is_left_out() -> None:
    """There is nothing to go on with."""
    assert run("RUN a \\").command.words == ("a",)


def test_carriage_returns_at_line_ends_are_no_part_of_anything() -> None:
    """Files from Windows build."""
    assert run("RUN a \\\r\n  b\r\n").command.words == ("a   b",)


def test_byte_order_mark_is_skipped() -> None:
    """Some editors write it."""
    assert parse(b"\xef\xbb\xbfFROM scratch").stages[0].base.place == Place(1, 1)


def test_words_know_their_line_and_column_behind_continuations() -> None:
    """Columns count characters of the written line."""
    (copy,) = below("COPY --from=x \\\n   a \\\n# y\n\tb /c/")
    assert isinstance(copy, Copy)
    assert [word.place for word in (*copy.sources, copy.target)] == [Place(3, 4), Place(5, 2), Place(5, 4)]


def test_keywords_may_be_written_in_small_letters() -> None:
    """As the reference allows."""
    recipe = parse("from scratch as Base\nrun x\n")
    assert recipe.stages[0].name == "base"
    assert [type(each) for each in recipe.stages[0].instructions] == [Run]


def test_here_document_is_the_script_of_run() -> None:
    """Its lines go to the shell as they are."""
    found = run("RUN <<EOF\n  a $x\n# no comment\n\\\nEOF\n")
    assert (found.is_script, found.shell_line) == (True, "  a $x\n# no comment\n\\")


def test_here_document_of_a_command_goes_to_the_shell_with_it() -> None:
    """The shell reads it, and knows about quotes and tabs."""
    found = run("RUN cat <<'EOF' > /x && cat <<-B\na\nEOF\n\tb\n\tB\nRUN next"[: -len("\nRUN next")])
    assert not found.is_script
    assert found.shell_line == "cat <<'EOF' > /x && cat <<-B\na\nEOF\nb\nB"
    assert documents(found) == [("EOF", "a\n", False), ("B", "b\n", True)]


def test_here_documents_are_sources_of_copy() -> None:
    """One file each, with variables unless the delimiter is quoted in some way."""
    (copy,) = below('COPY <<a <<"b" <<-\\c d /e/\n1\na\n2\nb\n\t3\n\tc\n')
    assert documents(copy) == [("a", "1\n", True), ("b", "2\n", False), ("c", "3\n", False)]


def test_here_document_of_run_may_have_a_blank_before_its_name() -> None:
    """As the shell allows."""
    found = run("RUN cat << EOF\nx\nEOF")
    assert documents(found) == [("EOF", "x\n", True)]


@pytest.mark.parametrize("line", ["echo $((1 << 3))", "cat <<<word", "a<<EOF", 'echo "x <<EOF y"', "x 2<3"])
def test_what_only_looks_like_a_here_document_is_none(line: str) -> None:
    """Shifts, here-strings, quoted text."""
    assert run(f"RUN {line}\n").here_documents == ()


def test_array_has_no_here_documents() -> None:
    """Its strings are arguments."""
    assert run('RUN ["cat", "<<EOF"]\n').here_documents == ()


def test_here_document_below_on_build_belongs_to_it() -> None:
    """The config keeps the instruction with the document below it."""
    (found,) = below("ONBUILD RUN <<EOF\nx\nEOF\n")
    assert getattr(found, "text", None) == "RUN <<EOF\nx\nEOF"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (b"FROM scratch\nRUN \xff", (2, 5), "byte 0xff is not UTF-8"),
        (b"FROM scratch\nRUN a\0b", (2, 6), "a NUL character, which no instruction can hold"),
        (
            b"FROM scratch\n" + b"#" * (4 << 20),
            (1, 1),
            "the file has more than 4 MiB, which no Containerfile has",
        ),
    ],
)
def test_what_is_no_text_is_refused(text: bytes, place: tuple[int, int], message: str) -> None:
    """With the place of the first such byte."""
    with pytest.raises(BuildFileInvalid) as error:
        parse(text)
    (problem,) = error.value.problems
    assert ((problem.line, problem.column), problem.message) == (place, message)
