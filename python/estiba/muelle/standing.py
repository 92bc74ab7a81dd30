# SPDX-License-Identifier: Apache-2.0
"""How a container stands: what the engine knows of it, and what its record says after its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import ContainerError
from estiba.lifecycle.container import Container
from estiba.muelle.containers import is_attended

if TYPE_CHECKING:
    from estiba.muelle.containers import Kept


class Standing(NamedTuple):
    """Whether it runs."""

    status: str
    """running, paused, exited; "created" while its `run` has yet to start it, or to note its end; or "lost": its `run`
    was killed, and nobody saw its exit code."""
    pid: int


def standing_of(kept: Kept) -> Standing:
    """Return how a container stands."""
    try:
        state = Container(kept.id, root=kept.root).state()
    except ContainerError:
        state = None
    if state and state.status != "stopped":
        return Standing(state.status, state.pid)
    if kept.record.get("exitCode") is not None:
        return Standing("exited", 0)
    return Standing("created" if is_attended(kept.folder) else "lost", 0)
