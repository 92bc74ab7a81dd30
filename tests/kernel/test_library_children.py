# SPDX-License-Identifier: Apache-2.0
"""What a Python program starts in containers are its own children: waiting and deleting never hang on one that nobody
has waited for, and leave no zombie."""

from __future__ import annotations

import asyncio
import os
import select
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import MakeBundle
from estiba import Container, _core
from support import views
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

SLEEP = ["sleep", "1000"]
SECONDS = 20.0


@pytest.fixture
def container(runtime: Runtime, bundle: MakeBundle) -> Iterator[Container]:
    """A running container."""
    config = bundle(SLEEP)
    with Container.create(config.id, config.path, root=str(runtime.root)) as made:
        made.start()
        yield made


def children() -> set[str]:
    """The children of this process, zombies too."""
    return {
        pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
    }


def test_waiting_for_init_does_not_hang_on_an_exec(container: Container) -> None:
    process = container.exec(SLEEP)
    container.kill("KILL")
    assert container.wait(SECONDS) == 128 + 9
    assert process.wait() == 128 + 9


def test_waiting_does_not_hang_on_an_exec_that_was_closed(container: Container) -> None:
    container.exec(SLEEP).close()
    container.kill("KILL")
    assert container.wait(SECONDS) == 128 + 9


def test_waiting_does_not_hang_on_an_exec_of_another_object(container: Container) -> None:
    Container(container.id, root=container.root).exec(SLEEP)
    container.kill("KILL")
    assert container.wait(SECONDS) == 128 + 9


def test_waiting_does_not_hang_on_an_exec_that_comes_later(container: Container) -> None:
    codes: list[int] = []
    waiter = threading.Thread(target=lambda: codes.append(container.wait(SECONDS)))
    waiter.start()
    container.exec(SLEEP)
    container.kill("KILL")
    waiter.join()
    assert codes == [128 + 9]


def test_many_threads_may_wait_for_one_container(container: Container) -> None:
    codes: list[int] = []
    waiters = [threading.Thread(target=lambda: codes.append(container.wait(SECONDS))) for _ in range(8)]
    for waiter in waiters:
        waiter.start()
    container.kill("KILL")
    for waiter in waiters:
        waiter.join()
    assert codes == [128 + 9] * 8


def test_many_tasks_may_wait_for_one_container(container: Container) -> None:
    async def wait() -> list[int]:
        container.exec(SLEEP)
        waiters = [asyncio.create_task(container.wait_async()) for _ in range(8)]
        await asyncio.sleep(0)
        container.kill("KILL")
        return await asyncio.wait_for(asyncio.gather(*waiters), SECONDS)

    assert asyncio.run(wait()) == [128 + 9] * 8


def test_a_wait_that_is_cancelled_leaves_the_container(container: Container) -> None:
    async def cancel() -> None:
        waiter = asyncio.create_task(container.wait_async())
        await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter

    asyncio.run(cancel())
    assert container.status == "running"


@pytest.mark.parametrize("paused", [False, True])
def test_deleting_does_not_hang_on_an_exec(container: Container, paused: bool) -> None:
    process = container.exec(SLEEP)
    if paused:
        container.pause()
    container.delete(force=True)
    assert process.wait() == 128 + 9


def test_deleting_by_another_object_does_not_hang_either(container: Container) -> None:
    process = container.exec(SLEEP)
    Container(container.id, root=container.root).delete(force=True)
    assert process.wait() == 128 + 9


def test_nothing_is_left_of_a_container_that_nobody_waited_for(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(SLEEP)
    before = children(), len(os.listdir("/proc/self/fd"))
    with (
        pytest.raises(RuntimeError, match="ours"),
        Container.create(config.id, config.path, root=str(runtime.root)) as container,
    ):
        container.start()
        container.exec(SLEEP).close()
        container.exec(["true"]).close()
        raise RuntimeError("ours")
    assert (children(), len(os.listdir("/proc/self/fd"))) == before


@pytest.mark.parametrize("cancels", [1, 2], ids=["cancelled", "cancelled while leaving"])
@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
def test_nothing_is_left_of_a_task_that_is_cancelled(
    runtime: Runtime, bundle: MakeBundle, cancels: int, paused: bool
) -> None:
    config = bundle(SLEEP)
    before = children(), len(os.listdir("/proc/self/fd"))

    async def live() -> None:
        async with Container.create(config.id, config.path, root=str(runtime.root)) as container:
            container.start()
            container.exec(SLEEP).close()
            if paused:
                container.pause()
            await container.wait_async()

    async def cancel() -> None:
        task = asyncio.create_task(live())
        for _ in range(cancels):
            await asyncio.sleep(0)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert _core.containers(root=str(runtime.root)) == []
    assert (children(), len(os.listdir("/proc/self/fd"))) == before


def test_nothing_is_left_of_a_run_that_takes_too_long(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(SLEEP)
    before = children(), len(os.listdir("/proc/self/fd"))

    async def run() -> None:
        async with asyncio.timeout(0.01):
            await Container.run_async(config.id, config.path, root=str(runtime.root))

    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert _core.containers(root=str(runtime.root)) == []
    assert (children(), len(os.listdir("/proc/self/fd"))) == before


def test_the_loop_goes_on_while_a_container_is_left(runtime: Runtime, bundle: MakeBundle) -> None:
    """An exec that this program has not reaped holds init until the loop reaps it."""
    config = bundle(SLEEP)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def leave() -> int:
        counter = asyncio.create_task(count())
        async with Container.create(config.id, config.path, root=str(runtime.root)) as container:
            container.start()
            container.exec(SLEEP)
            before = turns
        counter.cancel()
        return turns - before

    assert asyncio.run(leave()) > 0


def test_an_exit_code_is_there_for_whoever_asks_later(container: Container) -> None:
    process = container.exec(["sh", "-c", "exit 7"])
    assert select.select([process], [], [], SECONDS)[0]
    container.kill("KILL")
    container.wait(SECONDS)
    assert process.wait() == 7
