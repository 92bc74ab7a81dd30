# SPDX-License-Identifier: Apache-2.0
"""Signals that end a verb: the first lets it stop what runs and clean up, a second one ends it at once."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from estiba.build.signals import ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Interrupted(KeyboardInterrupt):
    """A signal has come that is to end us."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = signal.Signals(number)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise Interrupted at the first of these signals. What the caller's caller has us ignore stays ignored."""
    taken = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]

    def note(number: int, _frame: object) -> None:
        for each in taken:
            signal.signal(each, _die)
        raise Interrupted(number)

    # No SIG_DFL: Python complains of a signal that came together with another whose handler has set it.
    before = {number: signal.signal(number, note) for number in taken}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def _die(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
