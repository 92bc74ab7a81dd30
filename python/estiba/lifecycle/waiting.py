# SPDX-License-Identifier: Apache-2.0
"""Wait for a process by its pidfd: with a time-out, or on an asyncio loop without a thread."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid

if TYPE_CHECKING:
    import select
    from collections.abc import Sequence

    from estiba._core import Process


AGES = 1e9
"""Seconds: what is longer is cut to this, about thirty years."""

LONGEST = 2**31 - 1
"""Milliseconds in one poll(2), which takes an int."""


def wait(process: Process, timeout: float | None = None) -> int:
    """Wait for the end; return 0..255, or 128 + n for signal n.

    `timeout` is in seconds, None waits without end. Raises TimeoutError, and ArgumentInvalid for a negative time.
    """
    end = deadline(timeout)
    if end is not None:
        import select

        poll = select.poll()
        poll.register(process.fileno(), select.POLLIN)
        if not is_ready(poll, end):
            raise late(process, timeout)
    return process.wait()


def deadline(timeout: float | None) -> float | None:
    """Return when `timeout` seconds from now are over, on the monotonic clock. Raises ArgumentInvalid."""
    if timeout is None:
        return None
    if not timeout >= 0:
        hint = "0 looks once, None waits without end"
        raise ArgumentInvalid(f"timeout: {timeout} s is no time to wait, expected 0 or more", hint=hint)
    return time.monotonic() + min(timeout, AGES)


def is_ready(poll: select.poll, deadline: float | None) -> bool:
    """Wait until one of the descriptors can be read; return False if the deadline comes first."""
    while deadline is not None:
        left = max(deadline - time.monotonic(), 0) * 1000
        if poll.poll(min(left, LONGEST)):
            return True
        if left <= LONGEST:
            return False
    return bool(poll.poll())


async def wait_async(process: Process) -> int:
    """Wait for the end on the running asyncio loop. Cancelling it leaves the process as it is."""
    pidfd = os.dup(process.fileno())  # a loop has one reader a descriptor, and there may be many who wait
    try:
        await readable([pidfd])
    finally:
        os.close(pidfd)
    return process.wait()


async def readable(descriptors: Sequence[int]) -> None:
    """Wait on the running asyncio loop until one can be read."""
    import asyncio

    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    for descriptor in descriptors:
        loop.add_reader(descriptor, tell)
    try:
        await ready
    finally:
        for descriptor in descriptors:
            loop.remove_reader(descriptor)


def late(process: Process, timeout: float | None) -> TimeoutError:
    """Make the error of a wait that took too long."""
    return TimeoutError(f"process {process.pid} has not ended within {timeout} s")
