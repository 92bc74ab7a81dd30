# SPDX-License-Identifier: Apache-2.0
"""Lists of CPUs or memory nodes as the kernel writes them: "0-3,7"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.spec.words import quote

# bitmap_parselist in the kernel's lib/bitmap-str.c: N, N-M, or N-M:used/group.
RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::\d{1,9}/\d{1,9})?)?", re.ASCII)


def check(node: Node, what: str) -> Iterator[Problem]:
    """Judge a list; an empty one is as good as none."""
    text = node.text()
    for part in text.split(",") if text.strip() else []:
        match = RANGE.fullmatch(part.strip())
        if match is None:
            yield node.problem(f'{quote(text)} is not a list of {what}, expected one like "0-3,7"')
            return
        if match[2] and int(match[1]) > int(match[2]):
            yield node.problem(f"{quote(text)} has the range {quote(part.strip())}, which runs backwards")


def ends(text: str) -> list[int]:
    """List the numbers that a list names, of a range the last one; none of what is no list."""
    parts = [RANGE.fullmatch(part.strip()) for part in text.split(",")]
    return [int(match[2] or match[1]) for match in parts if match]
