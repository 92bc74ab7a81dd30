# SPDX-License-Identifier: Apache-2.0
"""A seccomp agent: takes listeners over its socket, and answers what they ask (seccomp_unotify(2))."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import os
import queue
import select
import socket
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RECEIVE = 0xC050_2100  # SECCOMP_IOCTL_NOTIF_RECV, struct seccomp_notif
SEND = 0xC018_2101  # SECCOMP_IOCTL_NOTIF_SEND, struct seccomp_notif_resp
CONTINUE = 1  # SECCOMP_USER_NOTIF_FLAG_CONTINUE


class Agent:
    """Answers system calls by number with the error of `errors`, and lets all others go on."""

    def __init__(self, path: Path, errors: Mapping[int, int]) -> None:
        self.path, self._errors = path, errors
        self.states: queue.Queue[dict[str, Any]] = queue.Queue()
        self.asked: set[int] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        path.chmod(0o777)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def state(self) -> dict[str, Any]:
        """The next container process state that came."""
        return self.states.get(timeout=20)

    def close(self) -> None:
        """Stop listening; the filters have to be gone by now."""
        self._socket.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(20)
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection:
                    listeners = self._receive(connection)
                for listener in listeners:
                    self._threads.append(threading.Thread(target=self._answer, args=[listener]))
                    self._threads[-1].start()

    def _receive(self, connection: socket.socket) -> list[int]:
        text, descriptors = b"", array.array("i")
        while True:
            data, ancillary, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(4 * 8))
            for _, _, content in ancillary:
                descriptors.frombytes(content)
            if not data:
                break
            text += data
        self.states.put(json.loads(text))
        return list(descriptors)

    def _answer(self, listener: int) -> None:
        poll = select.poll()
        poll.register(listener, select.POLLIN)
        # POLLHUP: nobody is left under the filter.
        while not poll.poll()[0][1] & select.POLLHUP:
            with contextlib.suppress(FileNotFoundError):  # who asked was killed meanwhile
                asked = bytearray(80)
                fcntl.ioctl(listener, RECEIVE, asked)
                ident, number = struct.unpack_from("Q8xi", asked)
                self.asked.add(number)
                error = self._errors.get(number, 0)
                answer = struct.pack("QqiI", ident, 0, -error, 0 if error else CONTINUE)
                fcntl.ioctl(listener, SEND, answer)
        os.close(listener)
