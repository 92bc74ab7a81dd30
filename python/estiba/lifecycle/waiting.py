# SPDX-License-Identifier: Apache-2.0
"""Wait for a process by its pidfd: with a time-out, or on an asyncio loop without a thread."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba._core import Process


def wait(process: Process, timeout: float | None = None) -> int:
    """Wait for the end; return 0..255, or 128 + n for signal n. Raises TimeoutError."""
    if timeout is not None:
        import select

        poll = select.poll()
        poll.register(process.fileno(), select.POLLIN)
        if not poll.poll(max(timeout, 0) * 1000):
            raise late(process, timeout)
    return process.wait()


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
