# SPDX-License-Identifier: Apache-2.0
"""events: counters and out-of-memory kills of a container, one JSON object a line."""

from __future__ import annotations

import json
import os
import re
import select
import sys
from typing import TYPE_CHECKING, Any

from estiba import _core
from estiba.cli.parse import Refusal
from estiba.cli.runc_stats import in_runc_shape
from estiba.cli.settings import root
from estiba.errors import ContainerNotFound, WrongState
from estiba.tables import transitions

if TYPE_CHECKING:
    from estiba.cli.parse import Parsed

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
LONGEST = (2**31 - 1) // 1000
"""poll(2) takes milliseconds in an int."""
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")


def events(parsed: Parsed) -> int:
    """Print the counters once with --stats, else at each interval until the container ends."""
    where, id = root(parsed), parsed.words[0]
    interval = seconds(parsed.options.text("interval") or "5s")
    pid = live_pid(where, id)
    if parsed.options.flag("stats"):
        tell(id, "stats", in_runc_shape(json.loads(_core.stats(root=where, id=id))))
        return 0
    watch(where, id, pid, interval)
    return 0


def watch(where: str, id: str, pid: int, interval: float) -> None:
    """Tell of the container until its init ends or it is deleted."""
    try:
        init = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        # The number may have gone to another process before the descriptor was open.
        live_pid(where, id)
        poll = select.poll()
        poll.register(init, select.POLLIN)
        kills = 0
        while True:
            ended = poll.poll(interval * 1000)
            stats = json.loads(_core.stats(root=where, id=id))
            before, kills = kills, oom_kills(stats)
            if kills > before:
                tell(id, "oom", None)
            if ended:
                return
            tell(id, "stats", in_runc_shape(stats))
    except (ContainerNotFound, WrongState):
        return
    finally:
        os.close(init)


def live_pid(where: str, id: str) -> int:
    """Return init's process id. Raises WrongState when it has ended."""
    state = json.loads(_core.state(root=where, id=id))
    status = state["status"]
    if status not in transitions.TRANSITIONS["events"]:
        raise WrongState(f'container "{id}" is {status}: {transitions.NEEDS["events"]}')
    pid: int = state["pid"]
    return pid


def oom_kills(stats: dict[str, Any]) -> int:
    """Return how many processes the kernel has killed for want of memory."""
    kills: int = stats.get("memory", {}).get("events", {}).get("oom_kill", 0)
    return kills


def tell(id: str, kind: str, data: dict[str, Any] | None) -> None:
    """Print one event at once."""
    event = {"type": kind, "id": id} | ({} if data is None else {"data": data})
    sys.stdout.write(json.dumps(event, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def seconds(text: str) -> float:
    """Read a duration as 5s, 500ms or 1m30s. Raises Refusal."""
    total = 0.0
    if DURATION.fullmatch(text):
        total = sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))
    if not 0 < total <= LONGEST:
        raise Refusal("events", "bad-value", what="--interval", metavar="a time, as 5s or 500ms", value=text)
    return total
