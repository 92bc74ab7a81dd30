# SPDX-License-Identifier: Apache-2.0
"""The kernel takes the filters and answers as the simulator: a child loads one and makes system calls."""

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
import seccomp_engine
from seccomp_simulator import X86_64, decode, run, words
from test_seccomp_oracle import PROFILES

from estiba.tables import syscalls

PR_SET_NO_NEW_PRIVS = 38
SECCOMP_SET_MODE_FILTER = 1
SPEC_ALLOW = 4
ERRNO = 0x0005_0000

# Harmless calls that the profiles decide by number, by argument, or as newer than themselves.
CALLS: dict[str, tuple[int, tuple[int, ...]]] = {
    "getppid": (syscalls.X86_64["getppid"], ()),
    "personality as it is": (syscalls.X86_64["personality"], (0xFFFF_FFFF,)),
    "personality 1 << 32": (syscalls.X86_64["personality"], (1 << 32,)),
    "unshare nothing": (syscalls.X86_64["unshare"], (0,)),
    "keyctl": (syscalls.X86_64["keyctl"], (0xFFFF,)),
    "number 9999": (9999, ()),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def in_child(work: Callable[[], int]) -> int:
    """The exit status of a child that does the work; the signal as 128 + n."""
    pid = os.fork()
    if pid == 0:
        os._exit(work())
    status = os.waitpid(pid, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def errno_under(program: bytes, number: int, arguments: tuple[int, ...]) -> int:
    """Load the filter and make the call: 0, or its error number (below 128 on x86_64)."""
    libc: Any = ctypes.CDLL(None, use_errno=True)
    libc.syscall.argtypes = [ctypes.c_long] + [ctypes.c_ulong] * 6
    loaded = _Program(len(program) // 8, program)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return 126
    address = ctypes.addressof(loaded)
    if libc.syscall(syscalls.X86_64["seccomp"], SECCOMP_SET_MODE_FILTER, SPEC_ALLOW, address, 0, 0, 0) != 0:
        return 125
    result = libc.syscall(number, *arguments, *(0,) * (6 - len(arguments)))
    return ctypes.get_errno() if result == -1 else 0


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", PROFILES)
def test_the_kernel_answers_as_the_simulator(name: str, call: str) -> None:
    """Refused calls give the filter's error number, allowed ones what they give without a filter."""
    program = seccomp_engine.compile_profile(PROFILES[name])
    number, arguments = CALLS[call]
    answer = run(decode(program), words(X86_64, number, arguments))[0]
    unfiltered = in_child(lambda: errno_under(ALLOW_ALL, number, arguments))
    expected = answer & 0xFFFF if answer & 0xFFFF_0000 == ERRNO else unfiltered
    assert in_child(lambda: errno_under(program, number, arguments)) == expected


def test_the_kernel_kills_a_call_of_an_abi_outside_the_profile() -> None:
    """x32 numbers on a profile that does not name x32."""
    program = seccomp_engine.compile_profile({"defaultAction": "SCMP_ACT_ALLOW"})
    assert in_child(lambda: errno_under(program, 0x4000_0000 | 39, ())) == 128 + signal.SIGSYS


ALLOW_ALL = bytes.fromhex("060000000000ff7f")
