# SPDX-License-Identifier: Apache-2.0
"""Run the OCI's validation programs against estiba and its peers; print a table, fail on a surprise.

As a command: `python oci-conformance/run.py --help`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))  # for support.views

import build
import expected
import table
import tap
from place import place
from runtimes import Runtime, find, unhurried
from stage import TIMED_OUT
from support.views import available

HURRIED = ("killsig",)
"""Programs that signal a shell as soon as it runs, before it can have set its traps."""

SILENT = ("process_rlimits_fail", "process_capabilities_fail")
"""Programs that write nothing when all is well: the container must not come to life."""

GRACE = 20.0
"""Seconds beyond its time-out after which a place that has not ended itself is killed."""


class Job(NamedTuple):
    """One cell of the table."""

    program: Path
    runtime: Runtime
    view: str
    seconds: float
    number: int
    logs: Path

    @property
    def cell(self) -> tuple[str, str, str]:
        """Its place in the table."""
        return self.program.name, self.runtime.name, self.view


def main() -> int:
    """Run what was asked for; 1 if anything is not as expected.toml says."""
    options = _arguments()
    if os.geteuid():
        raise SystemExit("conformance: the programs start containers as root")
    try:
        folder = build.programs()
    except build.Unavailable as reason:
        raise SystemExit(f"conformance: {reason}") from None
    names = build.names(folder)
    known = expected.load(names)
    jobs = _jobs(options, folder, options.program or names)
    if options.must_pass:
        jobs = [job for job in jobs if expected.entry(known, *job.cell) is None]
    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = list(pool.map(_run, jobs))
    results = [
        table.Cell(*job.cell, verdict, expected.entry(known, *job.cell))
        for job, verdict in zip(jobs, verdicts, strict=True)
    ]
    sys.stdout.write(table.render(results))
    return 1 if any(cell.is_surprise for cell in results) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Run the OCI's validation programs against several runtimes."
    )
    add = parser.add_argument
    add("program", nargs="*", help="which programs; all if none is named")
    add("--runtime", action="append", default=[], metavar="NAME=PATH", help="one more runtime")
    add("--only", action="append", default=[], metavar="NAME", help="only the runtimes named so")
    add("--view", action="append", choices=available(), help="only this view of the cgroups")
    add("--must-pass", action="store_true", help="leave out what expected.toml names")
    add("--timeout", type=float, default=90, help="seconds after which a program is ended")
    add("--jobs", type=int, default=3, help="programs at once; they mostly wait")
    return parser.parse_args()


def _jobs(options: argparse.Namespace, folder: Path, names: list[str]) -> list[Job]:
    logs = build.CACHE / "logs"
    runtimes = find(options.runtime, options.only)
    cells = itertools.product(options.view or available(), names, runtimes)
    return [
        Job(folder / name, runtime, view, options.timeout, number, logs / view / runtime.name)
        for number, (view, name, runtime) in enumerate(cells)
    ]


def _run(job: Job) -> tap.Verdict:
    """Run one program in a place of its own; what it wrote stays in the log folder."""
    job.logs.mkdir(parents=True, exist_ok=True)
    out, err = (job.logs / f"{job.program.name}.{kind}" for kind in ("tap", "err"))
    name = f"estiba-oci-{os.getpid()}-{job.number}"
    with place(name, job.view, job.seconds) as words, out.open("wb") as stdout, err.open("wb") as stderr:
        hurried = job.program.name in HURRIED
        runtime = unhurried(job.runtime) if hurried else job.runtime.program
        argv = [*words, str(job.program), str(runtime)]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        code = _wait(child, job.seconds + GRACE)
    if code == TIMED_OUT:
        return tap.Verdict(0, (f"no end after {job.seconds:g} s",))
    return tap.judge(out.read_text(errors="replace"), code, is_silent=job.program.name in SILENT)


def _wait(child: subprocess.Popen[bytes], seconds: float) -> int:
    """Wait for unshare(1), which waits for the stage; past the time, the stage and all below it are killed."""
    pidfd = os.pidfd_open(child.pid)
    try:
        ended = select.poll()
        ended.register(pidfd, select.POLLIN)
        if not ended.poll(seconds * 1000):
            stages = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
            for pid in map(int, stages or [child.pid]):
                os.kill(pid, signal.SIGKILL)
            child.wait()
            return TIMED_OUT
        return child.wait()
    finally:
        os.close(pidfd)


if __name__ == "__main__":
    sys.exit(main())
