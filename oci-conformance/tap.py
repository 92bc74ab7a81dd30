# SPDX-License-Identifier: Apache-2.0
"""Judge what a validation program wrote: its TAP documents, one or more, and its exit code."""

from __future__ import annotations

import re
from typing import NamedTuple

POINT = re.compile(r"(?P<ok>ok|not ok) \d+(?: #(?P<directive> TODO| SKIP)| -)? ?(?P<text>.*)")
PLAN = re.compile(r"1\.\.(?P<count>\d+)$")


class Verdict(NamedTuple):
    """What became of a program: how many points it made, and everything that was not as it should be."""

    points: int
    failures: tuple[str, ...]


def judge(output: str, code: int, *, is_silent: bool = False) -> Verdict:
    """Judge a whole run. A program that failed may say so in three ways, and one is enough.

    `is_silent`: one that writes nothing when all is well.
    """
    points, failures = 0, []
    for document in output.split("TAP version 13\n")[1:]:
        count, found = _document(document)
        points += count
        failures += found
    if code:
        failures.append(f"exit {code}")
    elif not output and not is_silent:
        failures.append("nothing on stdout")
    return Verdict(points, tuple(failures))


def _document(text: str) -> tuple[int, list[str]]:
    points, planned = 0, None
    failures = []
    for line in text.splitlines():
        if point := POINT.match(line):
            points += 1
            if point["ok"] == "not ok" and point["directive"] is None:
                failures.append(point["text"])
        elif plan := PLAN.match(line):
            planned = int(plan["count"])
        elif not points and (said := re.match(r'\s+"?error"?: (.*)', line)):
            # Programs without a point of their own report by a diagnostic alone.
            failures.append(said[1].strip('",'))
    if planned is None:
        failures.append("the plan is missing: the program inside ended early")
    elif planned != points:
        failures.append(f"{planned} points planned, {points} made")
    return points, failures
