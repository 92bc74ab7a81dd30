# SPDX-License-Identifier: Apache-2.0
"""Build spawn.c and run commands through it: what each cost, as numbers."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("spawn.c")


class Cost(NamedTuple):
    """What one process cost from just before its vfork until its pidfd said that it had ended."""

    start_ns: int
    wall_us: float
    cpu_us: float  # user and system, with the children that it waited for
    peak_kib: int  # the largest resident set of it or of one of these children
    faults: int
    status: int  # exit status, 128 + signal, or -1 after the time-out


class Spawner:
    """The built spawner, and the file that takes the output of what it starts."""

    def __init__(self, program: Path, output: Path, timeout_ms: int, within: Sequence[str] = ()) -> None:
        """Remember where the program is, and the words that start it elsewhere; build it with `build` first."""
        self.program = program
        self.within = within
        self.output = output
        self.timeout_ms = timeout_ms

    def one(self, argv: Sequence[str]) -> Cost:
        """Run one command once."""
        return self.many(argv, callers=1, total=1)[0]

    def many(self, argv: Sequence[str], *, callers: int, total: int) -> list[Cost]:
        """Run a command `total` times, `callers` at once; {n} and {s} in it become number and slot."""
        # A file and no pipe: a container that was created keeps its copy open for as long as it lives.
        self.output.unlink(missing_ok=True)
        limits = ["-t", str(self.timeout_ms), "-p", str(callers), "-n", str(total), "-o", str(self.output)]
        done = subprocess.run(
            [*self.within, str(self.program), "run", *limits, "--", *argv],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return [_cost(line) for line in done.stdout.splitlines()]

    def said(self) -> str:
        """Return what the last command wrote, both streams in one."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""


def build(folder: Path) -> Path:
    """Compile the spawner into `folder` unless it is newer than its source."""
    program = folder / "spawn"
    if program.exists() and program.stat().st_mtime >= SOURCE.stat().st_mtime:
        return program
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-static", "-o", str(program), str(SOURCE)], check=True)
    return program


def _cost(line: str) -> Cost:
    start, wall, user, system, peak, faults, status = (int(word) for word in line.split())
    return Cost(start, wall / 1000, user + system, peak, faults, status)
