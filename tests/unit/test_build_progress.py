# SPDX-License-Identifier: Apache-2.0
"""Builds as people see them: as lines, and on a terminal."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estiba.build import progress
from estiba.build.progress import (
    BuildDoubted,
    BuildEnded,
    Lines,
    StepBegun,
    StepEnded,
    StepOutput,
    StepProgress,
    Verdict,
)
from estiba.build.progress.lines import CONTROL
from estiba.build.progress.show import Style
from estiba.build.progress.words import seconds, size

EVENTS = [
    StepBegun(1, "base", 1, 2, "FROM busybox"),
    StepEnded(1, Verdict.CACHED, 0.001),
    StepBegun(2, "base", 2, 2, "RUN <<EOF\nmake\nEOF"),
    StepProgress(2, "unpacking", 12_000_000, 204_000_000),
    StepOutput(2, "hello"),
    StepEnded(2, Verdict.DONE, 0.354, 'the content of "src" has changed'),
    StepBegun(3, "", 1, 1, "RUN false"),
    StepEnded(3, Verdict.FAILED, 61.0, "exit status 1"),
    StepBegun(4, "", 1, 1, "RUN true"),
    StepEnded(4, Verdict.CANCELED, 1.0),
    BuildDoubted("Containerfile:1:5: an odd thing", "leave it out"),
    BuildEnded("sha256:ab", ("web:latest",), 3.2, 1_234_567),
]


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def shown(stream: io.StringIO, style: Style) -> str:
    """Show all events on a stream."""
    with progress.show(stream, style) as display:
        for event in EVENTS:
            display(event)
    return stream.getvalue()


def test_plain_progress_is_a_line_an_event() -> None:
    """With the step's number, its time, its verdict and the reason of a miss."""
    assert shown(io.StringIO(), "auto").splitlines() == [
        "#1 [base 1/2] FROM busybox",
        "#1 cached 0.00 s",
        "#2 [base 2/2] RUN <<EOF",
        "#2 | hello",
        '#2 done 0.35 s: the content of "src" has changed',
        "#3 [1/1] RUN false",
        "#3 failed 61.00 s: exit status 1",
        "#4 [1/1] RUN true",
        "#4 canceled",
        "warning: Containerfile:1:5: an odd thing (leave it out)",
        "built sha256:ab as web:latest: 1.2 MB in 3.20 s",
    ]


def test_quiet_shows_nothing() -> None:
    """Not even the end."""
    assert shown(io.StringIO(), "quiet") == ""


@pytest.mark.parametrize("style", ["auto", "tty"])
def test_on_a_terminal_finished_steps_stay(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its verdict, its time and the reason of a miss; in colours, unless NO_COLOR."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    text = CONTROL.sub("", shown(Terminal(), style))
    for line in (
        "= [base 1/2] FROM busybox  cached 0.00 s",
        '✓ [base 2/2] RUN <<EOF  done 0.35 s: the content of "src" has changed',
        "✗ [1/1] RUN false  failed 61.00 s: exit status 1",
        "- [1/1] RUN true  canceled",
        "warning: Containerfile:1:5: an odd thing (leave it out)",
        "built web:latest  1.2 MB in 3.20 s",
    ):
        assert line in text


def test_verdict_is_on_the_line_of_a_long_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    """The instruction is what gets shorter."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    with progress.show(stream, "tty") as display:
        display(StepBegun(1, "", 1, 1, "RUN " + "x" * 100))
        display(StepEnded(1, Verdict.DONE, 0.5, "the base has changed"))
    (line,) = [line for line in CONTROL.sub("", stream.getvalue()).splitlines() if "done" in line]
    assert line.endswith("xx…  done 0.50 s: the base has changed")
    assert len(line) == 60


def test_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing moves where nothing can."""
    monkeypatch.setenv("TERM", "dumb")
    assert "\x1b" not in shown(Terminal(), "auto")


def test_rich_is_imported_for_terminals_alone() -> None:
    """A build that nobody watches does not pay for it."""
    program = (
        "import sys, io\nfrom estiba.build import progress\n"
        "with progress.show(io.StringIO()) as d: pass\nsys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_output_is_cut_into_lines_as_it_comes() -> None:
    """The last may lack its newline; a long one comes in pieces."""
    lines = Lines()
    assert lines.feed(b"a\nb") == ["a"]
    assert lines.feed(b"c\n\nd") == ["bc", ""]
    assert lines.feed(b"x" * 5000) == ["d" + "x" * 4095]
    assert lines.end() == ["x" * 905]
    assert lines.end() == []


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (b"10%\r20%\r30%", "30%"),
        (b"done\r", "done"),
        (b"\x1b[31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07x\x1b]8;;http://y\x1b\\z", "xz"),
        (b"a\tb\x07\x08", "a\tb"),
        (b"\xff\xc3\xa9", "\ufffdé"),
        (b"\x1b", ""),
    ],
)
def test_output_moves_no_cursor(written: bytes, seen: str) -> None:
    """Terminal sequences and control characters are left out."""
    assert Lines().feed(written + b"\n") == [seen]


@given(st.lists(st.binary()))
def test_any_output_is_safe_to_show(pieces: list[bytes]) -> None:
    """Whatever a program writes, and wherever it is cut."""
    lines = Lines()
    found = [line for piece in pieces for line in lines.feed(piece)] + lines.end()
    assert all(
        character.isprintable() or character in "\t" or ord(character) > 159
        for line in found
        for character in line
    )


def test_amounts_and_times_are_short() -> None:
    """Thousands, one digit; minutes above sixty seconds."""
    assert [size(n) for n in (0, 999, 1000, 999_949, 999_951, 5_000_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "999.9 kB",
        "1.0 MB",
        "5.0 GB",
    ]
    assert [seconds(t) for t in (0.004, 59.99, 61)] == ["0.00 s", "59.99 s", "1 min 1 s"]
