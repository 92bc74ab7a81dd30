# SPDX-License-Identifier: Apache-2.0
"""Times as Go writes them: `1m30s`, `1.5h`, `250ms`; in nanoseconds."""

from __future__ import annotations

import re

from estiba.build.recipe.instructions import Word
from estiba.build.recipe.problems import Fault
from estiba.spec.words import quote

UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
ONE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)")
DIGITS = 100
"""Most characters of a time; it is added up exactly, in parts of a nanosecond with so many digits."""
LEAST = 10**6
LONGEST = (1 << 63) - 1


def read(word: Word, what: str) -> int:
    """Read a time of at least a millisecond; 0 is allowed, and means the default."""
    total = _nanoseconds(word.text)
    if total is None:
        hint = "write a number with its unit: 30s, 1m30s, 250ms"
        raise Fault(word.place, f"{what} is a time, not {quote(word.text)}", hint)
    if total > LONGEST:
        raise Fault(word.place, f"{what} is longer than 292 years: {quote(word.text)}")
    if 0 < total < LEAST:
        raise Fault(word.place, f"{what} is less than a millisecond: {quote(word.text)}")
    return total


def render(nanoseconds: int) -> str:
    """Write a time so that `read` gives it back."""
    for unit in ("h", "m", "s", "ms", "us"):
        if nanoseconds and nanoseconds % UNITS[unit] == 0:
            return f"{nanoseconds // UNITS[unit]}{unit}"
    return f"{nanoseconds}ns"


def _nanoseconds(text: str) -> int | None:
    if text == "0":
        return 0
    if not text or len(text) > DIGITS:
        return None
    position, total = 0, 0
    while position < len(text):
        match = ONE.match(text, position)
        if match is None:
            return None
        whole, _, part = match[1].partition(".")
        total += int(whole + part) * UNITS[match[2]] * 10 ** (DIGITS - len(part))
        position = match.end()
    return int(total // 10**DIGITS)
