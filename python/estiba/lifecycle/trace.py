# SPDX-License-Identifier: Apache-2.0
"""A start, phase by phase: which took how long, in the engine and in init."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from estiba import _core
from estiba.lifecycle.judged_bundle import judged_bundle
from estiba.lifecycle.root import state_root

if TYPE_CHECKING:
    from estiba.bundle import Bundle

KILL = 9


class Phase(NamedTuple):
    """One phase of a start; times in seconds."""

    who: Literal["engine", "init"]
    """The calling process, or the container's first process, which works beside it."""
    name: str
    pointer: str | None
    """The part of config.json that a step of init comes from; None for the engine's and the runtime's own."""
    begin: float
    """Since the start began."""
    duration: float


def trace_start(
    bundle: Bundle | str | os.PathLike[str],
    *,
    root: str | None = None,
    config_file: str | None = None,
) -> list[Phase]:
    """Start a container, end and delete it once its program runs, and return the phases in the order of their begin.

    Hooks are run as in any start. The program has no terminal, whatever the config says, and the null device for
    its input and output. Raises what Container.create and Container.start raise.
    """
    where = state_root() if root is None else os.path.abspath(root)
    id = f"trace-{os.getpid()}-{os.urandom(4).hex()}"
    made = judged_bundle(bundle, root=where, id=id, config_file=config_file)
    null = os.open(os.devnull, os.O_RDWR)
    try:
        init = _core.create(
            root=where,
            id=id,
            bundle=str(made.path),
            config=_without_terminal(made),
            stdio=(null, null, null),
            gate=False,
            trace=True,
        )
    finally:
        os.close(null)
    init.kill(KILL)
    init.wait()
    init.close()
    _core.delete(root=where, id=id, force=True)
    return phases(json.loads(init.trace or "{}"))


def phases(trace: dict[str, Any]) -> list[Phase]:
    """Return the phases of a trace as the engine tells it: marks of where each begins, and of the end."""
    marks = trace["engine"]
    begin, end = marks[0]["at"], marks[-1]["at"]
    ends = [mark["at"] for mark in marks[1:]]
    found = [
        Phase("engine", mark["phase"], None, *_seconds(begin, mark["at"], until))
        for mark, until in zip(marks, ends, strict=False)
    ]
    steps = trace["init"]
    ends = [step["at"] for step in steps[1:]] + [end]
    found += [
        Phase("init", _words(step["step"]), step["pointer"], *_seconds(begin, step["at"], until))
        for step, until in zip(steps, ends, strict=False)
    ]
    return sorted(found, key=lambda phase: phase.begin)


def _seconds(begin: int, at: int, until: int) -> tuple[float, float]:
    return (at - begin) / 1e9, max(until - at, 0) / 1e9


def _words(step: str) -> str:
    """Return "MakeDevice" as "make device"."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", step).lower()


def _without_terminal(bundle: Bundle) -> bytes:
    config = bundle.config
    process = config.get("process") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not isinstance(process, dict) or not process.get("terminal"):
        return bundle.text
    kept = {key: value for key, value in process.items() if key not in {"terminal", "consoleSize"}}
    return json.dumps(config | {"process": kept}).encode()
