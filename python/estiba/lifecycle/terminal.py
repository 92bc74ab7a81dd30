# SPDX-License-Identifier: Apache-2.0
"""The container's terminal in the foreground: received over a socket of our own, relayed to the caller's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import socket
import tempfile
import termios
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Self

STDIN, STDOUT = 0, 1
AT_ONCE = 8192
SIZE_LENGTH = 8
"""Of struct winsize (ioctl_tty(2))."""


class Console:
    """A listening socket in a folder of its own, which only we may enter."""

    def __enter__(self) -> Self:
        self._folder = tempfile.mkdtemp(prefix="estiba-")
        self.path = os.path.join(self._folder, "console")
        """What --console-socket would name."""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def receive(self) -> int:
        """Return the terminal's controlling side, which the engine has sent by now."""
        connection, _ = self._listener.accept()
        with connection:
            _, descriptors, _, _ = socket.recv_fds(connection, AT_ONCE, 1)
        return descriptors[0]


class Relay:
    """The caller's terminal in raw mode; what is typed goes in, what is written comes out."""

    def __init__(self, controlling: int) -> None:
        self.controlling = controlling
        self._before: list[Any] | None = None

    def __enter__(self) -> Self:
        with contextlib.suppress(termios.error):
            self._before = termios.tcgetattr(STDIN)
            tty.setraw(STDIN)
        self.resize()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            termios.tcsetattr(STDIN, termios.TCSANOW, self._before)
        os.close(self.controlling)

    def resize(self) -> None:
        """Give the container's terminal the size of ours, if ours is one."""
        with contextlib.suppress(OSError):
            size = fcntl.ioctl(STDIN, termios.TIOCGWINSZ, bytes(SIZE_LENGTH))
            fcntl.ioctl(self.controlling, termios.TIOCSWINSZ, size)

    def type_in(self) -> bool:
        """Copy once from standard input; False at its end."""
        return copy(STDIN, self.controlling)

    def write_out(self) -> bool:
        """Copy once to standard output; False when the other side is closed."""
        return copy(self.controlling, STDOUT)

    def drain(self) -> None:
        """Write what the program has left in its terminal."""
        while select.select([self.controlling], [], [], 0)[0] and self.write_out():
            pass


def copy(source: int, target: int) -> bool:
    """Copy once; False at the end of the source (EIO: a terminal whose other side is closed)."""
    try:
        data = os.read(source, AT_ONCE)
        left = memoryview(data)
        while left:
            left = left[os.write(target, left) :]
    except OSError:
        return False
    return bool(data)
