# SPDX-License-Identifier: Apache-2.0
"""How long a registry is waited for, and in which words that is said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from urllib3.exceptions import (
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from estiba.errors import cause

if TYPE_CHECKING:
    import urllib3

STALL = 30.0
"""Seconds without a byte after which a connection is given up, and a new one tried."""
LONGEST = 60.0
"""Seconds that a registry may make us wait between two tries."""

pause = time.sleep


def asked(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Return how many seconds an answer wants us to wait; None where it does not say."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def why(error: HTTPError) -> str:
    """Return what is behind urllib3's words, where that is plain."""
    if isinstance(error, NameResolutionError):
        return f'"{error.conn.host}" has no address that can be found'
    if isinstance(error, ReadTimeoutError):
        return f"nothing came for {STALL:g} s"
    number = getattr(error.__cause__, "errno", None)
    if isinstance(error, NewConnectionError) and number:
        return cause(number)
    if isinstance(error, ProtocolError):
        return "the connection ended too early"
    return str(error)
