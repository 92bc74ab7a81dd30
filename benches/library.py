# SPDX-License-Identifier: Apache-2.0
"""The library in a warm Python process, measured beside the commands: library_worker.py does what is ordered here."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import cases
from runtimes import Runtime
from spawner import Cost

NAME = "estiba library"
WORKER = Path(__file__).with_name("library_worker.py")


class Library:
    """A warm worker, as a competitor of the commands; it takes the bundles of estiba's own command."""

    def __init__(self, python: str, command: cases.Bench, said: Path) -> None:
        """Start the worker with an interpreter that has estiba installed."""
        self.runtime = Runtime(NAME, python, command.runtime.version)
        self._bundles, self._said = command.folder, said
        self._worker = subprocess.Popen(
            [python, "-I", str(WORKER), f"{command.root}-library"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said.open("w"),
            text=True,
        )

    def close(self) -> None:
        """End the worker."""
        self._worker.communicate()

    def verbs(self, container: str) -> tuple[dict[str, Cost], cases.Init]:
        """Measure what a pass of a command measures, as calls; of `run` by profile the commands tell enough."""
        costs = {"run": self._cost("run", container)}
        pid, costs["create"] = self._order("create", container, bundle="stays")["pid"], self._last
        init = cases.init_of(pid)
        costs["create"] = costs["create"]._replace(cpu_us=costs["create"].cpu_us + init.cpu_us)
        for verb in ("start", "state", "exec", "kill"):
            costs[verb] = self._cost(verb, container)
        self._order("wait", container)
        costs["delete"] = self._cost("delete", container)
        return costs, init

    def throughput(self, prefix: str, callers: int, total: int) -> float:
        """Return runs a second from so many threads at once."""
        return float(self._order("run", prefix, threads=callers, total=total)["rate"])

    def exec_throughput(self, container: str, callers: int, total: int) -> float:
        """Return execs a second in one container, from so many threads at once."""
        for verb in ("create", "start"):
            self._order(verb, container, bundle="stays")
        try:
            return float(self._order("exec", container, threads=callers, total=total)["rate"])
        finally:
            for verb in ("kill", "wait", "delete"):
                self._order(verb, container)

    def _cost(self, verb: str, container: str) -> Cost:
        self._order(verb, container)
        return self._last

    def _order(self, do: str, container: str, *, bundle: str = "0", **more: Any) -> dict[str, Any]:
        """Have one thing done; raises Failed with what the worker says of it."""
        told = {"do": do, "id": container, "bundle": str(self._bundles / bundle), **more}
        assert self._worker.stdin is not None and self._worker.stdout is not None
        self._worker.stdin.write(json.dumps(told) + "\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": self._said.read_text()[-300:]}
        if "error" in answer:
            raise cases.Failed(f"{do}: {answer['error']}")
        self._last = Cost(0, answer.get("wall_us", 0.0), answer.get("cpu_us", 0.0), 0, 0, 0)
        return answer
