# SPDX-License-Identifier: Apache-2.0
"""Clean a state root of what killed verbs have left."""

from __future__ import annotations

from typing import NamedTuple

from estiba import _core
from estiba.errors import EstibaError
from estiba.lifecycle.root import state_root


class Swept(NamedTuple):
    """What was found of one container."""

    id: str
    found: str
    """half-made, stopped, live, busy (a verb is at work on it), gone (meanwhile), or stuck (`error` says why)."""
    removed: bool
    warnings: tuple[str, ...] = ()
    """Which poststop hooks failed."""
    error: EstibaError | None = None


def sweep(*, root: str | None = None, stopped: bool = False, dry_run: bool = False) -> list[Swept]:
    """Remove what killed `create`s have left, with `stopped` also containers whose init has ended.

    With `dry_run`, only look. No failure of one keeps the others from being cleaned.
    """
    where = state_root() if root is None else root
    return [_sweep_one(where, id, stopped, dry_run) for id in _core.containers(root=where)]


def _sweep_one(root: str, id: str, stopped: bool, dry_run: bool) -> Swept:
    try:
        found, warnings = _core.sweep(root=root, id=id, stopped=stopped, dry_run=dry_run)
    except EstibaError as error:
        return Swept(id, "stuck", False, error=error)
    wanted = found == "half-made" or (found == "stopped" and stopped)
    return Swept(id, found, wanted and not dry_run, tuple(warnings))
