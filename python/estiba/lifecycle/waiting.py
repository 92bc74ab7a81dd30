# SPDX-License-Identifier: Apache-2.0
"""Wait for a process by its pidfd: with a time-out, or on an asyncio loop without a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estiba._core import Process


def wait(process: Process, timeout: float | None = None) -> int:
    """Wait for the end; return 0..255, or 128 + n for signal n. Raises TimeoutError."""
    if timeout is not None:
        import select

        poll = select.poll()
        poll.register(process.fileno(), select.POLLIN)
        if not poll.poll(max(timeout, 0) * 1000):
            raise TimeoutError(f"process {process.pid} has not ended within {timeout} s")
    return process.wait()


async def wait_async(process: Process) -> int:
    """Wait for the end on the running asyncio loop. Cancelling it leaves the process as it is."""
    import asyncio

    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def readable() -> None:
        if not ended.done():
            ended.set_result(None)

    loop.add_reader(process.fileno(), readable)
    try:
        await ended
    finally:
        loop.remove_reader(process.fileno())
    return process.wait()
