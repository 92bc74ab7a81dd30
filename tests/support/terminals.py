# SPDX-License-Identifier: Apache-2.0
"""The other end of a console socket: receives the terminal that a runtime sends."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from support.processes import TimedOut, readable


class ConsoleSocket:
    """A listening socket for `--console-socket`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()

    def receive(self, seconds: float = 20.0) -> int:
        """Take the terminal's controlling side; the caller closes it."""
        if not readable(self._listener.fileno(), seconds):
            raise TimedOut("nobody connected to the console socket")
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(seconds)
            _, fds, _, _ = socket.recv_fds(connection, 4096, 1)
        if len(fds) != 1:
            raise AssertionError(f"{len(fds)} descriptors came over the console socket")
        return fds[0]

    def close(self) -> None:
        """Close and remove the socket."""
        self._listener.close()
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def console_socket(path: Path) -> Iterator[ConsoleSocket]:
    """Listen at `path` (its length is limited to 107 bytes)."""
    listening = ConsoleSocket(path)
    try:
        yield listening
    finally:
        listening.close()


def read_until(terminal: int, wanted: bytes, seconds: float = 20.0) -> bytes:
    """Read from a terminal until `wanted` came; fails after `seconds` or at the end."""
    got = b""
    while wanted not in got:
        if not readable(terminal, seconds):
            raise TimedOut(f"the terminal has {got!r}, not {wanted!r}")
        try:
            data = os.read(terminal, 4096)
        except OSError:  # EIO: the container's side is closed
            data = b""
        if not data:
            raise AssertionError(f"the terminal ended with {got!r}, without {wanted!r}")
        got += data
    return got
