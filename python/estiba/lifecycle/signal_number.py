# SPDX-License-Identifier: Apache-2.0
"""Signals by name or number, as `kill` takes them."""

from __future__ import annotations

from estiba.errors import ArgumentInvalid
from estiba.tables.arguments import HINTS
from estiba.tables.signals import LAST_SIGNAL, SIGNALS


def signal_number(signal: int | str) -> int:
    """Return the number of a signal: 15, "15", "TERM", "sigterm" or "RTMIN+3". Raises ArgumentInvalid."""
    word = str(signal)
    number = SIGNALS.get(word.upper().removeprefix("SIG"))
    if number is None and word.isascii() and word.isdigit() and len(word) < 4:
        number = int(word)
    if number is None or number > LAST_SIGNAL:
        raise ArgumentInvalid(f'"{word}" is not a signal', hint=HINTS["signal"])
    return number
