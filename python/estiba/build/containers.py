# SPDX-License-Identifier: Apache-2.0
"""The containers of a build: what they are called, how they are stopped, and which a killed build has left behind.

    ROOT/.builds/ID     a file that the build ID holds locked, from its first container on
    ROOT/build-ID-N     the record of its Nth container

The program of a RUN does not end with a builder that is killed. But the lock does: who gets it knows that nobody waits
for these containers. That is the build's own watcher, which runs beside it, else the next build or prune.
"""

from __future__ import annotations

import itertools
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from estiba.errors import BuildFailed, EstibaError
from estiba.images.durable import Lock
from estiba.lifecycle import state_root

if TYPE_CHECKING:
    from estiba.build.watcher import Watcher
    from estiba.bundle import Bundle
    from estiba.lifecycle.options import CgroupManager, Stdio

PREFIX = "build-"
LOCKS = ".builds"
KILL = 9


class _Running(Protocol):
    """The first process of a container."""

    def kill(self, signal: int, /) -> None: ...


class Containers:
    """Those of one build; a context that lets go of the lock."""

    def __init__(self) -> None:
        self._id = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._numbers = itertools.count(1)
        self._lock: Lock | None = None
        self._watcher: Watcher | None = None
        self._taking = threading.Lock()
        self._running: set[_Running] = set()
        self._is_stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._watcher is not None:
            self._watcher.dismiss()
        if self._lock is not None:
            os.unlink(_path_of(self._id))
            self._lock.release()

    def run(self, bundle: Bundle, *, stdio: Stdio, cgroup_manager: CgroupManager) -> int:
        """Run a container to its end; return its exit code.

        Raises BuildFailed if the build is stopped before, StoreError, and what `launch` raises.
        """
        from estiba.lifecycle import Container

        name = self._new_name()
        with Container.launch(name, bundle, stdio=stdio, cgroup_manager=cgroup_manager) as container:
            process = container.init
            with self._taking:
                self._running.add(process)
                if self._is_stopped:
                    _kill(process)
            try:
                status = container.wait()
            finally:
                with self._taking:
                    self._running.remove(process)
        if self._is_stopped:
            raise BuildFailed("the build was stopped")
        return status

    def stop(self) -> None:
        """Kill what runs, and what would begin to."""
        with self._taking:
            self._is_stopped = True
            for process in self._running:
                _kill(process)

    def _new_name(self) -> str:
        """Return the name of the next container. Raises StoreError."""
        with self._taking:
            if self._lock is None:
                from estiba.build.watcher import Watcher

                sweep()
                os.makedirs(os.path.join(state_root(), LOCKS), 0o711, exist_ok=True)
                lock = Lock(_path_of(self._id))
                lock.take()
                self._lock = lock
                self._watcher = Watcher(self._id, state_root())
        return f"{PREFIX}{self._id}-{next(self._numbers)}"


def sweep(root: str | None = None) -> list[str]:
    """Kill and remove the containers of builds that are gone; return their names. Raises what `delete` raises."""
    where = root or state_root()
    gone: list[str] = []
    for id in _listed(os.path.join(where, LOCKS)):
        gone += end(id, where, wait=False)
    return gone


def end(id: str, root: str, *, wait: bool) -> list[str]:
    """Kill and remove the containers of a build once it is gone; return their names. Raises what `delete` raises."""
    lock = Lock(_path_of(id, root))
    if not lock.take(wait=wait):
        return []
    names = [name for name in _listed(root) if name.startswith(f"{PREFIX}{id}-")]
    for name in names:
        from estiba.lifecycle import Container

        Container(name, root=root).delete(force=True)
    with suppress(FileNotFoundError):  # another was as fast
        os.unlink(_path_of(id, root))
    lock.release()
    return names


def _kill(process: _Running) -> None:
    with suppress(EstibaError):  # it has just ended
        process.kill(KILL)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _path_of(id: str, root: str | None = None) -> str:
    return os.path.join(root or state_root(), LOCKS, id)
