# SPDX-License-Identifier: Apache-2.0
"""Lines of /proc/PID/mountinfo as values."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class Mount(NamedTuple):
    """One mount: what proc(5) says of a line of mountinfo."""

    root: str
    point: str
    options: frozenset[str]
    propagation: frozenset[str]
    kind: str
    source: str
    super_options: frozenset[str]


def parse(text: str) -> list[Mount]:
    """Parse mountinfo."""
    return [_line(line) for line in text.splitlines()]


def _line(line: str) -> Mount:
    before, after = (half.split() for half in line.split(" - ", 1))
    tags = frozenset(re.sub(r":\d+", "", tag) for tag in before[6:])
    return Mount(
        before[3],
        before[4],
        frozenset(before[5].split(",")),
        tags,
        after[0],
        after[1],
        frozenset(after[2].split(",")),
    )


def of(pid: int, point: str) -> Mount:
    """The topmost mount at `point` as the process sees it."""
    found = [m for m in parse(Path(f"/proc/{pid}/mountinfo").read_text()) if m.point == point]
    if not found:
        raise AssertionError(f"nothing is mounted on {point}")
    return found[-1]
