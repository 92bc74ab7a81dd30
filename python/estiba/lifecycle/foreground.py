# SPDX-License-Identifier: Apache-2.0
"""Wait for a process in the foreground and hand it the signals that we get."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING

from estiba.errors import EstibaError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, Self

    from estiba._core import Process
    from estiba.lifecycle.terminal import Relay

STDIN = 0

KEPT = {signal.SIGCHLD, signal.SIGKILL, signal.SIGSTOP, signal.SIGURG, signal.SIGPIPE}
"""What is not handed on: ours by nature, or never seen."""


class Foreground:
    """Notes signals from its beginning, before there is a process, so that none is lost and none ends us."""

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        self._before: dict[int, Any] = {}
        for number in signal.valid_signals() - KEPT:
            self._before[number] = signal.signal(number, _note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, process: Process, relay: Relay | None = None, *, typed: bool = True) -> int:
        """Return the exit code of the process, 128 + n for signal n; meanwhile relay its terminal.

        Standard input goes to the terminal where it is `typed`.
        """
        poll = select.poll()
        poll.register(process.fileno(), select.POLLIN)
        poll.register(self._reader, select.POLLIN)
        if relay is not None:
            poll.register(relay.controlling, select.POLLIN)
            if typed:
                poll.register(STDIN, select.POLLIN)
        while process.fileno() not in (ready := [descriptor for descriptor, _events in poll.poll()]):
            if self._reader in ready:
                _hand_on(os.read(self._reader, 512), process, relay)
            if relay is not None:
                if relay.controlling in ready and not relay.write_out():
                    poll.unregister(relay.controlling)
                if STDIN in ready and not relay.type_in():
                    poll.unregister(STDIN)
        if relay is not None:
            relay.drain()
        return process.wait()


def attend(
    make: Callable[[str | None], Process],
    go: Callable[[], None] | None = None,
    *,
    terminal: bool,
    typed: bool = True,
) -> int:
    """Make a process by `make(console socket)`, let it `go`, wait for it; relay its terminal if it has one.

    Standard input goes to the terminal where it is `typed`.
    """
    with Foreground() as foreground:
        if not terminal:
            process = make(None)
            if go is not None:
                go()
            return foreground.wait(process)
        from estiba.lifecycle.terminal import Console, Relay

        with Console() as console:
            process = make(console.path)
            controlling = console.receive()
        with Relay(controlling) as relay:
            if go is not None:
                go()  # Only now: the program finds a terminal of the caller's size.
            return foreground.wait(process, relay, typed=typed)


def _note(_number: int, _frame: object) -> None:
    """Do nothing: the wake-up descriptor has the number."""


def _hand_on(numbers: bytes, process: Process, relay: Relay | None) -> None:
    for number in numbers:
        if number in KEPT:
            continue
        if relay is not None and number == signal.SIGWINCH:
            relay.resize()
            continue
        try:
            process.kill(number)
        except EstibaError:
            return  # It has ended meanwhile; the pidfd says so next.
