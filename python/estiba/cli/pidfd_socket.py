# SPDX-License-Identifier: Apache-2.0
"""--pidfd-socket: the started process's pidfd, sent over a unix socket."""

from __future__ import annotations

from estiba.errors import KernelRefused, cause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba import _core


class PidfdReceiver:
    """Whoever asked for the pidfd, if anybody did. Connected before there is a process: a wrong path costs nothing."""

    def __init__(self, path: str | None) -> None:
        """Connect to the stream socket at `path`. Raises KernelRefused."""
        self._path = path
        if path is None:
            return
        import socket

        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.connect(path)
        except OSError as error:
            raise self._refused(error) from None

    def send(self, process: _core.Process) -> None:
        """Send the pidfd, once. Raises KernelRefused."""
        if self._path is None:
            return
        import socket

        with self._socket:
            try:
                socket.send_fds(self._socket, [b"pidfd"], [process.fileno()])
            except OSError as error:
                raise self._refused(error) from None

    def _refused(self, error: OSError) -> KernelRefused:
        message = f'cannot send the pidfd over "{self._path}": {cause(error.errno)}'
        return KernelRefused(message, errno=error.errno)
