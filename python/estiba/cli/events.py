# SPDX-License-Identifier: Apache-2.0
"""events: counters and out-of-memory kills of a container, one JSON object a line."""

from __future__ import annotations

import json
import re

from estiba import _core
from estiba.cli.parse import refusal
from estiba.cli.runc_stats import in_runc_shape
from estiba.cli.settings import root
from estiba.command_line.run import flush, say
from estiba.lifecycle.events import check_alive
from estiba.lifecycle.events import events as watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from estiba.cli.parse import Parsed

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+", re.ASCII)


def events(parsed: Parsed) -> int:
    """Print the counters once with --stats, else at each interval until the container ends."""
    where, id = root(parsed), parsed.words[0]
    interval = seconds(parsed.options.text("interval") or "5s")
    if parsed.options.flag("stats"):
        check_alive(where, id)
        tell(id, "stats", in_runc_shape(json.loads(_core.stats(root=where, id=id))))
        return 0
    for event in watch(where, id, interval):
        tell(id, event.kind, in_runc_shape(event.stats) if event.kind == "stats" else None)
    return 0


def tell(id: str, kind: str, data: dict[str, Any] | None) -> None:
    """Print one event at once."""
    event = {"type": kind, "id": id} | ({} if data is None else {"data": data})
    say(json.dumps(event, separators=(",", ":")) + "\n")
    flush()


def seconds(text: str) -> float:
    """Read a duration as 5s, 500ms or 1m30s. Raises Refusal."""
    total = 0.0
    if DURATION.fullmatch(text):
        total = sum(float(n) * UNITS[unit] for n, unit in re.findall(r"([\d.]+)(ms|s|m|h)", text))
    if not total > 0:
        raise refusal("events", "bad-value", what="--interval", metavar="a time, as 5s or 500ms", value=text)
    return total
