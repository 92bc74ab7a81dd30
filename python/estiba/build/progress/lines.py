# SPDX-License-Identifier: Apache-2.0
"""A program's output to lines that are safe to show: no control characters, of bounded length."""

from __future__ import annotations

import re

LONGEST = 4096
"""Bytes of a line; a longer one is shown in pieces."""

CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x1b\\|\x07|$)|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
"""Terminal sequences, whole, then whatever else would move the cursor."""


class Lines:
    """Cuts bytes, as they come, into lines."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[str]:
        """Take some bytes; return the lines that are whole now."""
        *whole, self._held = (self._held + data).split(b"\n")
        found = [shown(line) for line in whole]
        while len(self._held) > LONGEST:
            found.append(shown(self._held[:LONGEST]))
            self._held = self._held[LONGEST:]
        return found

    def end(self) -> list[str]:
        """Return the last line, if it had no newline."""
        held, self._held = self._held, b""
        return [shown(held)] if held else []


def shown(line: bytes) -> str:
    """Make a line of output fit to be seen: of what was overwritten by a carriage return, the last."""
    text = line.decode(errors="replace").rstrip("\r")
    return CONTROL.sub("", text.rpartition("\r")[2])
