# SPDX-License-Identifier: Apache-2.0
"""How a container stands: what the engine knows of it, and what its record says after its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import ContainerError
from estiba.lifecycle.container import Container

if TYPE_CHECKING:
    from estiba.muelle.containers import Kept


class Standing(NamedTuple):
    """Whether it runs."""

    status: str
    """running, paused, created, exited; or "lost": its `run` was killed, and nobody saw its exit code."""
    pid: int


def standing_of(kept: Kept) -> Standing:
    """Return how a container stands."""
    try:
        state = Container(kept.id, root=kept.root).state()
    except ContainerError:
        return Standing("lost" if kept.record.get("exitCode") is None else "exited", 0)
    if state.status == "stopped":
        return Standing("lost" if kept.record.get("exitCode") is None else "exited", 0)
    return Standing(state.status, state.pid)
