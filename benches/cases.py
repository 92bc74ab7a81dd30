# SPDX-License-Identifier: Apache-2.0
"""What is measured: one pass of every verb over one runtime, many callers at once, and counts."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from pathlib import Path
from typing import NamedTuple

import bundles
from runtimes import Runtime
from spawner import Cost, Spawner

# In the order in which a pass runs them; `state` is asked for a running container.
CASES = ("run", "create", "start", "state", "exec", "kill", "delete")


class Failed(Exception):
    """A command of a runtime that did not do its work: what was asked and what it said."""


class Init(NamedTuple):
    """The process of a created container, waiting for start."""

    pid: int
    cpu_us: float
    rss_kib: int
    pss_kib: int


class Bench:
    """One runtime with its bundles and its state root."""

    def __init__(self, runtime: Runtime, spawner: Spawner, work: Path, cgroup: str, callers: int) -> None:
        """Write one bundle for each caller that runs at the same time, and one of a container that stays."""
        self.runtime = runtime
        self.spawner = spawner
        self.root = str(work / "state" / runtime.name)
        self.folder = work / "bundles" / runtime.name
        for slot in range(callers):
            place = f"/{cgroup}/{runtime.name}-{slot}"
            bundles.make_bundle(self.folder / str(slot), work / "rootfs", ["/bin/true"], place)
        place = f"/{cgroup}/{runtime.name}-stays"
        bundles.make_bundle(self.folder / "stays", work / "rootfs", ["/bin/sleep", "1000"], place)

    def command(self, *words: str) -> list[str]:
        """Return the argv of a verb of this runtime."""
        return [self.runtime.program, "--root", self.root, *words]

    def run_command(self, container: str, slot: str = "0") -> list[str]:
        """Return the argv of `run` of the bundle of a caller."""
        return self.command("run", "--bundle", str(self.folder / slot), container)

    def verbs(self, container: str) -> tuple[dict[str, Cost], Init]:
        """Measure every case once; after a failure the container is deleted by force."""
        costs: dict[str, Cost] = {}
        try:
            costs["run"] = self._measure(self.run_command(container))
            stays = str(self.folder / "stays")
            costs["create"] = self._measure(self.command("create", "--bundle", stays, container))
            init = self._created(container)
            # Init outlives the command and is adopted by pid 1: no wait4 of ours would count its work.
            costs["create"] = costs["create"]._replace(cpu_us=costs["create"].cpu_us + init.cpu_us)
            costs["start"] = self._measure(self.command("start", container))
            costs["state"] = self._measure(self.command("state", container))
            costs["exec"] = self._measure(self.command("exec", container, "/bin/true"))
            costs["kill"] = self._kill(container, init.pid)
            costs["delete"] = self._measure(self.command("delete", container))
        except Failed:
            self.discard(container)
            raise
        return costs, init

    def throughput(self, prefix: str, callers: int, total: int) -> float:
        """Return runs a second with so many callers at once."""
        argv = self.run_command(f"{prefix}-{{n}}", "{s}")
        costs = self.spawner.many(argv, callers=callers, total=total)
        bad = [cost.status for cost in costs if cost.status]
        if bad:
            what = f"run with {callers} callers: {len(bad)} of {total} failed"
            raise Failed(f"{what}: {_first_lines(self.spawner.said())}")
        ended = max(cost.start_ns + cost.wall_us * 1000 for cost in costs)
        return total * 1e9 / (ended - min(cost.start_ns for cost in costs))

    def syscalls(self, container: str, summary: Path) -> int:
        """Count the system calls of a run, the container's own included, under strace."""
        traced = ["strace", "-f", "-c", "-U", "calls,name", "-o", str(summary), *self.run_command(container)]
        done = _ask(traced)
        if done.returncode:
            self.discard(container)
            raise Failed(f"run under strace: status {done.returncode}: {_first_lines(done.stderr)}")
        lines = summary.read_text().splitlines()
        return next(int(line.split()[0]) for line in lines if line.endswith(" total"))

    def discard(self, container: str) -> None:
        """Delete a container by force, whatever state it is in."""
        # Where that fails too, the pid namespace's end takes what is left.
        with contextlib.suppress(subprocess.TimeoutExpired):
            _ask(self.command("delete", "--force", container))

    def _measure(self, argv: list[str]) -> Cost:
        cost = self.spawner.one(argv)
        if cost.status:
            how = "no end before the time-out" if cost.status < 0 else f"status {cost.status}"
            raise Failed(f"{' '.join(argv[3:])}: {how}: {_first_lines(self.spawner.said())}")
        return cost

    def _created(self, container: str) -> Init:
        said = _ask(self.command("state", container))
        if said.returncode:
            raise Failed(f"state {container}: status {said.returncode}: {_first_lines(said.stderr)}")
        pid = int(json.loads(said.stdout)["pid"])
        on_cpu_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        memory = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
        return Init(pid, on_cpu_ns / 1000, memory["Rss"], memory["Pss"])

    def _kill(self, container: str, pid: int) -> Cost:
        """Measure `kill`, then wait unmeasured until the container's process has ended."""
        pidfd = os.pidfd_open(pid)
        try:
            cost = self._measure(self.command("kill", container, "KILL"))
            ended = select.poll()
            ended.register(pidfd, select.POLLIN)
            if not ended.poll(self.spawner.timeout_ms):
                raise Failed("kill: the container's process did not end")
        finally:
            os.close(pidfd)
        return cost


def _ask(argv: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command whose cost does not count."""
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )


def _fields(rollup: str) -> dict[str, int]:
    pairs = (line.split(":") for line in rollup.splitlines()[1:])
    return {name: int(value.split()[0]) for name, value in pairs}


def _first_lines(said: str) -> str:
    """Return the first lines of an output as one: the cause stands there, traces below."""
    return "; ".join(line.strip() for line in said.splitlines()[:3])[:300]
