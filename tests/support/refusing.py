# SPDX-License-Identifier: Apache-2.0
"""A kernel that refuses: a seccomp filter that answers one system call with an error, for a child process."""

from __future__ import annotations

import ctypes
import os
import struct
import traceback
from collections.abc import Callable

PR_SET_NO_NEW_PRIVS = 38
PR_SET_SECCOMP = 22
SECCOMP_MODE_FILTER = 2
ALLOW = 0x7FFF0000
ERRNO = 0x00050000

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06


def in_child(work: Callable[[], None], *, call: int, errno: int, second: int | None = None) -> None:
    """Run `work` in a child where system call `call` fails with `errno`; raise AssertionError if it raised.

    `second`: refuse only calls whose second argument is this.
    """
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            _refuse(call, errno, second)
            work()
            code = 0
        except BaseException:  # noqa: BLE001 - the child must not return into pytest
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert status == 0, "the child raised: see its standard error"


def _refuse(call: int, errno: int, second: int | None) -> None:
    lines = [(LOAD, 0, 0, 0), (EQUAL, 0, 1 if second is None else 3, call)]
    if second is not None:
        lines += [(LOAD, 0, 0, 24), (EQUAL, 0, 1, second)]  # args[1] of struct seccomp_data, its low half
    lines += [(RETURN, 0, 0, ERRNO | errno), (RETURN, 0, 0, ALLOW)]
    code = b"".join(struct.pack("HBBI", *line) for line in lines)
    program = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxQ", len(lines), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(header, len(header))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        PR_SET_SECCOMP, SECCOMP_MODE_FILTER, held, 0, 0
    ):
        raise OSError(ctypes.get_errno(), "no seccomp filter")
