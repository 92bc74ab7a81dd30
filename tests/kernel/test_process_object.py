# SPDX-License-Identifier: Apache-2.0
"""_core.Process: a container's first process in the hands of a Python program."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from conftest import MakeBundle
from estiba import _core, errors
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views("hybrid")]


@pytest.fixture
def sleeper(runtime: Runtime, bundle: MakeBundle) -> Iterator[_core.Process]:
    """A container that does nothing, created and started in this process."""
    config = bundle("exec sleep 1000")
    root = str(runtime.root)
    with open(os.devnull, "r+b") as null:
        process = _core.create(
            root=root,
            id=config.id,
            bundle=str(config.path),
            config=(config.path / "config.json").read_bytes(),
            stdio=(null.fileno(), null.fileno(), null.fileno()),
        )
    _core.start(root=root, id=config.id)
    yield process
    _core.delete(root=root, id=config.id, force=True)
    process.close()


def test_wait_tells_the_end_to_every_thread_that_asks(sleeper: _core.Process) -> None:
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(sleeper.wait())) for _ in range(8)]
    for thread in threads:
        thread.start()
    sleeper.kill(signal.SIGTERM)
    sleeper.kill(signal.SIGKILL)
    for thread in threads:
        thread.join(20)
    assert codes == [128 + signal.SIGKILL] * 8
    assert sleeper.wait() == 128 + signal.SIGKILL


def test_fileno_is_readable_once_the_process_has_ended(sleeper: _core.Process) -> None:
    assert select.select([sleeper], [], [], 0) == ([], [], [])
    sleeper.kill(signal.SIGKILL)
    assert select.select([sleeper], [], [], 20) == ([sleeper], [], [])


def test_a_signal_handler_that_raises_ends_the_wait(sleeper: _core.Process) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("alarm")))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(TimeoutError, match="alarm"):
            sleeper.wait()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_process_shows_its_number_and_how_it_ended(sleeper: _core.Process) -> None:
    assert repr(sleeper) == f"Process(pid={sleeper.pid})"
    sleeper.kill(signal.SIGKILL)
    sleeper.wait()
    assert repr(sleeper) == f"Process(pid={sleeper.pid}, returncode=137)"


def test_a_closed_process_says_so(sleeper: _core.Process) -> None:
    sleeper.close()
    sleeper.close()
    with pytest.raises(ValueError, match=f"^process {sleeper.pid} is closed$"):
        sleeper.fileno()


def test_a_signal_to_an_ended_process_is_an_error_with_its_number(sleeper: _core.Process) -> None:
    sleeper.kill(signal.SIGKILL)
    sleeper.wait()
    with pytest.raises(errors.KernelRefused) as caught:
        sleeper.kill(signal.SIGTERM)
    assert caught.value.errno == 3
