# SPDX-License-Identifier: Apache-2.0
"""A warm Python process with the library, which does what library.py orders: a JSON line each, answered by one.

python -I benches/library_worker.py STATE_ROOT
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from estiba import Container

Told = dict[str, Any]
Verb = Callable[[Told], object]


def _work(root: str) -> None:
    live: dict[str, Container] = {}

    def run(told: Told) -> None:
        assert Container.run(told["id"], told["bundle"], root=root) == 0

    def create(told: Told) -> None:
        live[told["id"]] = Container.create(told["id"], told["bundle"], root=root)

    def execute(told: Told) -> None:
        assert live[told["id"]].exec(["/bin/true"]).wait() == 0

    def delete(told: Told) -> None:
        live.pop(told["id"]).delete()

    verbs: dict[str, Verb] = {
        "run": run,
        "create": create,
        "start": lambda told: live[told["id"]].start(),
        "state": lambda told: live[told["id"]].state(),
        "exec": execute,
        "kill": lambda told: live[told["id"]].kill("KILL"),
        "wait": lambda told: live[told["id"]].wait(10),
        "delete": delete,
    }
    for line in sys.stdin:
        told = json.loads(line)
        try:
            answer = _threads(verbs, told) if "threads" in told else _measured(verbs[told["do"]], told)
            if told["id"] in live:
                answer["pid"] = live[told["id"]].init.pid
        except Exception as error:  # noqa: BLE001  the bench tells whatever it is
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def _measured(do: Verb, told: Told) -> dict[str, Any]:
    cpu, start = _cpu_us(), time.perf_counter_ns()
    do(told)
    return {"wall_us": (time.perf_counter_ns() - start) / 1000, "cpu_us": _cpu_us() - cpu}


def _cpu_us() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used) * 1e6


def _threads(verbs: dict[str, Verb], told: Told) -> dict[str, Any]:
    """Do one thing `total` times in as many threads as are wanted; each thread has a bundle of its own."""
    numbers, failed = iter(range(told["total"])), []

    def go_on(slot: int) -> None:
        folder = os.path.dirname(told["bundle"])
        for number in numbers:
            own = {**told, "bundle": f"{folder}/{slot}"}
            if told["do"] == "run":
                own["id"] = f"{told['id']}-{number}"
            try:
                verbs[told["do"]](own)
            except Exception as error:  # noqa: BLE001  the same
                failed.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=go_on, args=[slot]) for slot in range(told["threads"])]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        return {"error": f"{len(failed)} of {told['total']} failed: {failed[0]}"}
    return {"rate": told["total"] / (time.perf_counter() - start)}


if __name__ == "__main__":
    _work(sys.argv[1])
