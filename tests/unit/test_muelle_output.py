# SPDX-License-Identifier: Apache-2.0
"""What muelle prints for people: tables, sizes, ages."""

from __future__ import annotations

import time

import pytest

from estiba.muelle import output


def test_a_table_has_columns_below_their_titles() -> None:
    """And no blanks at the ends of lines."""
    laid = output.table(("NAME", "ID"), [("web", "1"), ("longer", "")])
    assert laid == "NAME     ID\nweb      1\nlonger\n"


def test_what_images_say_reaches_no_terminal_as_an_order() -> None:
    """An escape sequence in a tag's history would be one."""
    assert "\x1b" not in output.table(("BY",), [("\x1b]0;owned\x07",)])


@pytest.mark.parametrize(
    ("bytes_", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1234, "1.23kB"),
        (999_999, "1MB"),
        (204_000_000, "204MB"),
        (10**18, "1e+03PB"),
    ],
)
def test_sizes_have_three_digits_that_count(bytes_: int, text: str) -> None:
    """In powers of 1000."""
    assert output.size(bytes_) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0 seconds ago"),
        (61, "1 minute ago"),
        (7200, "2 hours ago"),
        (90_000, "1 day ago"),
        (10**9, "31 years ago"),
    ],
)
def test_ages_are_said_in_the_largest_unit(seconds: float, text: str) -> None:
    """Rounded down."""
    assert output.age(time.time() - seconds) == text


def test_the_year_1970_is_a_time_and_the_year_1_is_none() -> None:
    """SOURCE_DATE_EPOCH=0 is meant; Go's zero time is not."""
    assert output.since("1970-01-01T00:00:00Z").endswith(" years ago")
    assert output.since("0001-01-01T00:00:00Z") == ""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T01:00:01+01:00", 1.0),
        ("1970-01-01T00:00:01.123456789Z", 1.123456),
        ("1970-01-01T00:00:01.5+00:00", 1.5),
        ("1970-01-01", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_times_are_read_as_go_writes_them(text: str, seconds: float | None) -> None:
    """With nine digits after the point, or none."""
    assert output.seconds_of(text) == seconds
