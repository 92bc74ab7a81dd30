# SPDX-License-Identifier: Apache-2.0
"""Send a descriptor over a unix socket, as --pidfd-socket asks."""

from __future__ import annotations

import socket

from estiba.errors import KernelRefused, cause


def send(path: str, descriptor: int) -> None:
    """Connect to `path` and send one descriptor. Raises KernelRefused."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.connect(path)
            socket.send_fds(connection, [b"pidfd"], [descriptor])
        except OSError as error:
            message = f'cannot send the pidfd over "{path}": {cause(error.errno)}'
            raise KernelRefused(message, errno=error.errno) from None
