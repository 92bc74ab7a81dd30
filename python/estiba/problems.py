# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a document, one thing each: errors carry lists of them."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong with a config.json, or with a part of one that stands alone."""

    pointer: str
    """JSON pointer (RFC 6901) of the offending value; "" is the whole document."""
    message: str
    """What is wrong, one line, without the pointer."""
    hint: str | None = None
    """What to do about it, if there is something to say."""

    document: str = "config.json"
    """What the pointer points into: "process.json" for exec, "resources" for update, or the name of the file."""

    def __str__(self) -> str:
        where = f"{self.document} {self.pointer}" if self.pointer else self.document
        return f"{where}: {self.message}"


class BuildFileProblem(NamedTuple):
    """One thing that is wrong with a Containerfile."""

    file: str
    """Its name as it was given."""
    line: int
    """From 1."""
    column: int
    """From 1, in characters."""
    message: str
    """What is wrong, one line, without the place."""
    hint: str | None = None
    """What to do about it, if there is something to say."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"
