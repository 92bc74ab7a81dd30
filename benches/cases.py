# SPDX-License-Identifier: Apache-2.0
"""What is measured: one pass of every verb over one runtime, many callers at once, and counts."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import bundles
from runtimes import Runtime
from spawner import Cost, Spawner

# In the order in which a pass runs them; `state` is asked for a running container.
SECCOMP = ("run, new seccomp profile", "run, known seccomp profile")
CASES = ("run", *SECCOMP, "create", "start", "state", "exec", "kill", "delete")
LISTED = "listed-0-0"
"""The first of the containers that are there to be listed."""
LIGHT = [{"type": "pid"}, {"type": "mount"}, {"type": "uts"}]
"""The namespaces of a container that is only there to be listed."""


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
        self._rootfs, self._cgroup = work / "rootfs", f"/{cgroup}/{runtime.name}"
        self._profiles = self._listed = 0
        for slot in range(callers):
            self._make_bundle(str(slot), ["/bin/true"])
        self._make_bundle("stays", ["/bin/sleep", "1000"])

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
            self._profiles += 1
            self._make_bundle("filtered", ["/bin/true"], seccomp=bundles.common_profile(self._profiles))
            for case in SECCOMP:
                costs[case] = self._measure(self.run_command(container, "filtered"))
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
        return self._rate("run", self.run_command(f"{prefix}-{{n}}", "{s}"), callers, total)

    def exec_throughput(self, container: str, callers: int, total: int) -> float:
        """Return execs a second in one container, with so many callers at once."""
        self._measure(self.command("run", "--detach", "--bundle", str(self.folder / "stays"), container))
        try:
            return self._rate("exec", self.command("exec", container, "/bin/true"), callers, total)
        finally:
            self.discard(container)

    def have_up_to(self, count: int) -> None:
        """Have so many containers run in the background; they stay until the place of the bench ends."""
        first, new = self._listed, count - self._listed
        for number in range(new):
            self._make_bundle(f"listed-{first}-{number}", ["/bin/sleep", "1000"], namespaces=LIGHT)
        name = f"listed-{first}-{{n}}"
        argv = self.command("run", "--detach", "--bundle", str(self.folder / name), name)
        self._rate("run", argv, 8, new)
        self._listed = count

    def ask(self, *words: str) -> Cost:
        """Measure one verb that only looks."""
        return self._measure(self.command(*words))

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

    def _make_bundle(self, name: str, args: list[str], **linux: Any) -> None:
        bundles.make_bundle(self.folder / name, self._rootfs, args, f"{self._cgroup}-{name}", **linux)

    def _rate(self, verb: str, argv: list[str], callers: int, total: int) -> float:
        costs = self.spawner.many(argv, callers=callers, total=total)
        bad = [cost.status for cost in costs if cost.status]
        if bad:
            what = f"{verb} with {callers} callers: {len(bad)} of {total} failed"
            raise Failed(f"{what}: {_first_lines(self.spawner.said())}")
        ended = max(cost.start_ns + cost.wall_us * 1000 for cost in costs)
        return total * 1e9 / (ended - min(cost.start_ns for cost in costs))

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
        return init_of(int(json.loads(said.stdout)["pid"]))

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


def init_of(pid: int) -> Init:
    """Look at the process of a created container."""
    on_cpu_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    memory = _fields(Path(f"/proc/{pid}/smaps_rollup").read_text())
    return Init(pid, on_cpu_ns / 1000, memory["Rss"], memory["Pss"])


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
