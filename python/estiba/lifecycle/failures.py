# SPDX-License-Identifier: Apache-2.0
"""What the engine has noted of starts that failed: the last hundred under a state root."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from estiba.errors import HostError, cause
from estiba.lifecycle.root import state_root

FOLDER = ".failures"


class Failure(NamedTuple):
    """One start that failed."""

    time: str
    """RFC 3339, UTC."""
    id: str
    verb: str
    """create or start; run is both."""
    phase: str
    """plan, cgroup, init, hook or start: how far it came."""
    bundle: str | None
    config: str | None
    """Where the config was read, if not in the bundle's config.json."""
    step: tuple[int, int] | None
    """Of init's steps, the one that failed and how many there are."""
    kind: str
    """The class in estiba.errors."""
    document: str
    message: str
    pointer: str | None
    errno: int | None
    hint: str | None

    def __str__(self) -> str:
        where = f"{self.document} {self.pointer}: " if self.pointer else ""
        return f"{where}{self.message}"


def failed_starts(*, root: str | None = None, id: str | None = None) -> list[Failure]:
    """List the failed starts that are on record, the newest first; with `id`, those of one container."""
    folder = os.path.join(state_root() if root is None else root, FOLDER)
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HostError(f'cannot list "{folder}": {cause(error.errno)}', errno=error.errno) from None
    found = (_read(os.path.join(folder, name)) for name in names)
    return [failure for failure in found if failure and id in (None, failure.id)]


def _read(path: str) -> Failure | None:
    """Read one note; None if it is gone, was cut off by a crash, or is of another version."""
    try:
        with open(path, "rb") as file:
            note: Any = json.load(file)
        step = note["step"]
        facts = {field: note[field] for field in Failure._fields}
        return Failure(**{**facts, "step": (step[0], step[1]) if step else None})
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
