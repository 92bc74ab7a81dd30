# SPDX-License-Identifier: Apache-2.0
"""Calls under strace(1): which programs were executed, how many system calls were made, by whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from support.processes import Pipe
from support.runtime import Result, Runtime

_EXECUTED = re.compile(r'\d+ +execve(?:at)?\((?:\d+, )?"(?P<path>[^"]*)", \[(?:"(?P<word>[^"]*)")?')
_CALLED = re.compile(r"\d+ +(\w+)\(")


class Executed(NamedTuple):
    """One attempt to execute a program, successful or not."""

    path: str
    """"" for a descriptor (AT_EMPTY_PATH)."""
    word: str
    """The first word of its argv."""


class Trace:
    """A call under strace, children included; its lines come over a pipe, so that waiting needs no polling."""

    def __init__(
        self, runtime: Runtime, *arguments: str, options: Sequence[str] = (), **keywords: Any
    ) -> None:
        self._pipe = Pipe()
        writer = self._pipe.writer
        before = runtime.prefix
        whole = ["--follow-forks", "--string-limit=4096", "-q", "-o", f"/dev/fd/{writer}"]
        runtime.prefix = [*before, "strace", *whole, *options]
        try:
            self._running = runtime.spawn(*arguments, pass_fds=[writer], **keywords)
        finally:
            runtime.prefix = before
        self.lines: list[str] = []

    def until_exit(self) -> int:
        """Read until the called command itself has ended, though a container of it may live on; 128 + 9 if killed."""
        while line := self._pipe.readline(60):
            self.lines.append(line)
            ended = rf"{self.pid} +\+\+\+ (?:exited with (\d+)|killed by SIGKILL) \+\+\+"
            if found := re.fullmatch(ended, line):
                return int(found[1] or 128 + 9)
        raise AssertionError(f"the command did not exit: {self.lines[-3:]}; {self._running.err}")

    def finish(self) -> Result:
        """Read until every process of the call has ended."""
        while line := self._pipe.readline(60):
            self.lines.append(line)
        self._pipe.close()
        return self._running.finish()

    @property
    def pid(self) -> str:
        """The command's own process."""
        return self.lines[0].split()[0]

    @property
    def err(self) -> str:
        """What was written to stderr so far."""
        return self._running.err

    @property
    def executed(self) -> list[Executed]:
        """Every program that somebody tried to execute, in order."""
        found = (_EXECUTED.match(line) for line in self.lines)
        return [Executed(match["path"], match["word"] or "") for match in found if match]

    @property
    def calls(self) -> int:
        """How many system calls were begun."""
        return sum(1 for line in self.lines if _CALLED.match(line))

    @property
    def own_calls(self) -> int:
        """How many of them by the command itself."""
        return sum(1 for line in self.lines if line.startswith(f"{self.pid} ") and _CALLED.match(line))
