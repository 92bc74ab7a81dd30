# SPDX-License-Identifier: Apache-2.0
"""The processes that this program has started in containers, until it has waited for them.

A pid namespace ends only when each of its processes has been waited for (pid_namespaces(7)), and the parent of an
exec'd program is who started it. So init cannot end before this program has reaped its own: whoever waits for init,
or deletes the container, reaps them all.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
from typing import TYPE_CHECKING

from estiba import _core
from estiba.errors import EstibaError
from estiba.lifecycle.waiting import deadline, is_ready, late, readable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estiba._core import Process

_SIGKILL = 9


class Children:
    """Those of one container: init and every exec, in one epoll."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._epoll = select.epoll()
        self._processes: dict[int, Process] = {}

    def add(self, process: Process) -> None:
        """Take in a process; by a pidfd of its own, since its holder may close the other one at any time."""
        with self._lock:
            pidfd = os.dup(process.fileno())
            self._processes[pidfd] = process
            self._epoll.register(pidfd, select.EPOLLIN)

    def besides(self, init: Process | None) -> list[Process]:
        """List who is not reaped yet, without `init`."""
        return [each for each in list(self._processes.values()) if each is not init]

    def wait(self, process: Process, timeout: float | None = None) -> None:
        """Wait until `process` is reaped, and reap whoever ends meanwhile. Raises TimeoutError."""
        end = deadline(timeout)
        descriptors = self._watch(process)
        try:
            poll = select.poll()
            for descriptor in descriptors:
                poll.register(descriptor, select.POLLIN)
            while self._has(process):
                if not is_ready(poll, end):
                    raise late(process, timeout)
                self._reap()
        finally:
            _close(descriptors)

    async def wait_async(self, process: Process) -> None:
        """Do the same on the running asyncio loop."""
        descriptors = self._watch(process)
        try:
            while self._has(process):
                await readable(descriptors)
                self._reap()
        finally:
            _close(descriptors)

    def close(self) -> None:
        """Reap who has ended, and forget the others."""
        if self._processes:
            self._reap()
        with self._lock:
            _close(self._processes)
            self._processes.clear()
            self._epoll.close()

    def _has(self, process: Process) -> bool:
        return process in list(self._processes.values())

    def _watch(self, process: Process) -> list[int]:
        """Give descriptors that can be read when somebody has ended, for the caller to close.

        One is the process itself: another thread may reap it first, and then the epoll says no more of it.
        """
        with self._lock:
            own = [pidfd for pidfd, each in self._processes.items() if each is process]
            return [os.dup(each) for each in (self._epoll.fileno(), *own)] if own else []

    def _reap(self) -> None:
        with self._lock:
            for pidfd, _ in [] if self._epoll.closed else self._epoll.poll(0):
                _reap(self._processes.pop(pidfd), pidfd)
                self._epoll.unregister(pidfd)
                os.close(pidfd)


def _close(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _reap(process: Process, pidfd: int) -> None:
    """Reap an ended process. Its holder may have done so, or may have closed it."""
    with contextlib.suppress(EstibaError, ChildProcessError):
        try:
            process.wait()
        except ValueError:
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED)


_known: dict[tuple[str, str], Children] = {}


def adopt(root: str, id: str, process: Process) -> None:
    """Take in a process of the container `id`."""
    _known.setdefault((root, id), Children()).add(process)


def of(root: str, id: str) -> Children | None:
    """Return the processes of a container, if this program has started one."""
    return _known.get((root, id))


def kill(root: str, id: str, init: Process | None) -> None:
    """Kill and reap all, if there is somebody besides init: init cannot end before they are reaped."""
    children = of(root, id)
    others = children.besides(init) if children else []
    if children is None or not others:
        return
    _kill(root, id, others)
    for process in others:
        children.wait(process)


async def kill_async(root: str, id: str) -> None:
    """Kill and reap all, init too, on the running asyncio loop."""
    if children := of(root, id):
        killed = children.besides(None)
        _kill(root, id, killed)
        for process in killed:
            await children.wait_async(process)


def _kill(root: str, id: str, processes: list[Process]) -> None:
    with contextlib.suppress(EstibaError):
        _core.kill(root=root, id=id, signal=_SIGKILL, all=True)  # thaws what is paused
    for process in processes:
        with contextlib.suppress(EstibaError, ValueError):
            process.kill(_SIGKILL)


def forget(root: str, id: str) -> None:
    """Reap what is left of a container that is no more."""
    if children := _known.pop((root, id), None):
        children.close()
