# SPDX-License-Identifier: Apache-2.0
"""What happens to a container while it lives: counters at each interval, kills for want of memory, its end."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from estiba import _core
from estiba.errors import ArgumentInvalid, ContainerNotFound, WrongState
from estiba.lifecycle.waiting import AGES, deadline, is_ready
from estiba.tables import transitions


class Event(NamedTuple):
    """One thing that happened."""

    kind: str
    """stats, or oom: the kernel has killed a process for want of memory."""
    stats: dict[str, Any]
    """The counters at that moment, as Container.stats has them."""


def events(root: str, id: str, interval: float) -> Iterator[Event]:
    """Tell of a container until its init ends or it is deleted.

    Raises ArgumentInvalid, and at the first event WrongState when it has ended already.
    """
    return _events(root, id, _checked(interval))


def events_async(root: str, id: str, interval: float) -> AsyncIterator[Event]:
    """The same on the running asyncio loop."""
    return _events_async(root, id, _checked(interval))


def _checked(interval: float) -> float:
    if not interval > 0:
        raise ArgumentInvalid(f"interval: {interval} s is no time between events, expected more than 0")
    return min(interval, AGES)


def _events(root: str, id: str, interval: float) -> Iterator[Event]:
    import select

    kills = 0
    with _held(root, id) as init:
        poll = select.poll()
        poll.register(init, select.POLLIN)
        has_ended = False
        while not has_ended:
            has_ended = is_ready(poll, deadline(interval))
            stats = _stats(root, id)
            if stats is None:
                return
            before, kills = kills, oom_kills(stats)
            yield from _told(stats, kills > before, has_ended)


async def _events_async(root: str, id: str, interval: float) -> AsyncIterator[Event]:
    import asyncio

    from estiba.lifecycle.waiting import readable

    kills = 0
    with _held(root, id) as init:
        has_ended = False
        while not has_ended:
            try:
                await asyncio.wait_for(readable([init]), interval)
                has_ended = True
            except TimeoutError:
                pass
            stats = _stats(root, id)
            if stats is None:
                return
            before, kills = kills, oom_kills(stats)
            for event in _told(stats, kills > before, has_ended):
                yield event


@contextmanager
def _held(root: str, id: str) -> Iterator[int]:
    """Hold init by a pidfd."""
    try:
        init = os.pidfd_open(check_alive(root, id))
    except OSError:  # gone, or its number is a thread's: ESRCH, EINVAL, or ENOENT since Linux 6.16
        check_alive(root, id)
        raise
    try:
        check_alive(root, id)  # the number may have gone to another process before the descriptor was open
        yield init
    finally:
        os.close(init)


def check_alive(root: str, id: str) -> int:
    """Return init's process id. Raises WrongState when it has ended."""
    state = json.loads(_core.state(root=root, id=id))
    status = state["status"]
    if status not in transitions.TRANSITIONS["events"]:
        raise WrongState(
            f'container "{id}" is {status}: {transitions.NEEDS["events"]}',
            id=id,
            status=status,
            wanted=tuple(transitions.TRANSITIONS["events"]),
        )
    pid: int = state["pid"]
    return pid


def _stats(root: str, id: str) -> dict[str, Any] | None:
    """Read the counters; None once the container is gone."""
    try:
        stats: dict[str, Any] = json.loads(_core.stats(root=root, id=id))
    except (ContainerNotFound, WrongState):
        return None
    return stats


def _told(stats: dict[str, Any], has_killed: bool, has_ended: bool) -> Iterator[Event]:
    if has_killed:
        yield Event("oom", stats)
    if not has_ended:
        yield Event("stats", stats)


def oom_kills(stats: dict[str, Any]) -> int:
    """Return how many processes the kernel has killed for want of memory."""
    kills: int = stats.get("memory", {}).get("events", {}).get("oom_kill", 0)
    return kills
