# SPDX-License-Identifier: Apache-2.0
"""The life of containers as typed calls: create, start, exec, wait, kill, delete.

What needs `estiba._core` is loaded when it is first named, so that `import estiba` stays cheap.
"""

from __future__ import annotations

from estiba.lifecycle.root import state_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.lifecycle.container import Container, State
    from estiba.lifecycle.failures import Failure, failed_starts
    from estiba.lifecycle.recovery import Swept, sweep
    from estiba.lifecycle.trace import Phase, trace_start
    from estiba.lifecycle.waiting import wait, wait_async

__all__ = [
    "Container",
    "Failure",
    "Phase",
    "State",
    "Swept",
    "failed_starts",
    "state_root",
    "sweep",
    "trace_start",
    "wait",
    "wait_async",
]

_HOME = {
    "Container": "container",
    "Failure": "failures",
    "Phase": "trace",
    "State": "container",
    "Swept": "recovery",
    "failed_starts": "failures",
    "sweep": "recovery",
    "trace_start": "trace",
    "wait": "waiting",
    "wait_async": "waiting",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"estiba.lifecycle.{_HOME[name]}"), name)
