# SPDX-License-Identifier: Apache-2.0
"""The containers of a build: what they are called, and which a killed build has left behind.

    ROOT/.builds/ID     a file that the build ID holds locked, from its first container on
    ROOT/build-ID-N     the record of its Nth container

The program of a RUN does not end with a builder that is killed. But the lock does: who gets it knows that nobody waits
for these containers.
"""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import suppress
from typing import Self

from estiba.images.durable import Lock
from estiba.lifecycle import state_root

PREFIX = "build-"
LOCKS = ".builds"


class Containers:
    """Those of one build; a context that lets go of the lock."""

    def __init__(self) -> None:
        self._id = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._numbers = itertools.count(1)
        self._lock: Lock | None = None
        self._taking = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._lock is not None:
            os.unlink(_path_of(self._id))
            self._lock.release()

    def new_name(self) -> str:
        """Return the name of the next container. Raises StoreError."""
        with self._taking:
            if self._lock is None:
                sweep()
                os.makedirs(os.path.join(state_root(), LOCKS), 0o711, exist_ok=True)
                lock = Lock(_path_of(self._id))
                lock.take()
                self._lock = lock
        return f"{PREFIX}{self._id}-{next(self._numbers)}"


def sweep(root: str | None = None) -> list[str]:
    """Kill and remove the containers of builds that are gone; return their names. Raises what `delete` raises."""
    where = root or state_root()
    gone: list[str] = []
    for id in _listed(os.path.join(where, LOCKS)):
        lock = Lock(_path_of(id, where))
        if not lock.take(wait=False):
            continue
        for name in _listed(where):
            if name.startswith(f"{PREFIX}{id}-"):
                from estiba.lifecycle import Container

                Container(name, root=where).delete(force=True)
                gone.append(name)
        with suppress(FileNotFoundError):  # another was as fast
            os.unlink(_path_of(id, where))
        lock.release()
    return gone


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _path_of(id: str, root: str | None = None) -> str:
    return os.path.join(root or state_root(), LOCKS, id)
