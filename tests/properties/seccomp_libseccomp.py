# SPDX-License-Identifier: Apache-2.0
"""The oracle: compile an OCI seccomp profile with libseccomp, in the way runc asks it to.

Rules that repeat the default action are left out, names that libseccomp does not know are left out,
and an entry with several conditions on one argument becomes one rule for each condition.
"""

import ctypes
import os
from typing import Any

Profile = dict[str, Any]

ACTIONS = {
    "SCMP_ACT_KILL": 0x0000_0000,
    "SCMP_ACT_KILL_THREAD": 0x0000_0000,
    "SCMP_ACT_KILL_PROCESS": 0x8000_0000,
    "SCMP_ACT_TRAP": 0x0003_0000,
    "SCMP_ACT_ERRNO": 0x0005_0000,
    "SCMP_ACT_NOTIFY": 0x7FC0_0000,
    "SCMP_ACT_TRACE": 0x7FF0_0000,
    "SCMP_ACT_LOG": 0x7FFC_0000,
    "SCMP_ACT_ALLOW": 0x7FFF_0000,
}
OPERATORS = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
ARCHITECTURES = {
    "SCMP_ARCH_X86": 0x4000_0003,
    "SCMP_ARCH_X86_64": 0xC000_003E,
    "SCMP_ARCH_X32": 0x4000_003E,
}
UNKNOWN_NAME = -1
EPERM = 1
EEXIST = 17


class Refused(Exception):
    """libseccomp did not take the profile; `errno` says why."""

    def __init__(self, errno: int) -> None:
        super().__init__(os.strerror(errno))
        self.errno = errno


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    library.seccomp_release.restype = None
    library.seccomp_arch_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
    library.seccomp_syscall_resolve_name_arch.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    return library


LIBRARY = _library()


def knows(name: str) -> bool:
    """Whether libseccomp has this name for any architecture."""
    return bool(LIBRARY.seccomp_syscall_resolve_name(name.encode()) != UNKNOWN_NAME)


def number(architecture: str, name: str) -> int:
    """The number of `name`; negative where the architecture lacks a call of its own for it."""
    return int(LIBRARY.seccomp_syscall_resolve_name_arch(ARCHITECTURES[architecture], name.encode()))


def action_value(name: str, errno: int | None) -> int:
    """The filter's return value for an action."""
    takes_errno = name in ("SCMP_ACT_ERRNO", "SCMP_ACT_TRACE")
    return ACTIONS[name] | ((EPERM if errno is None else errno) if takes_errno else 0)


def compile_profile(profile: Profile) -> bytes:
    """The profile as libseccomp's BPF program."""
    default = action_value(profile["defaultAction"], profile.get("defaultErrnoRet"))
    context = LIBRARY.seccomp_init(default)
    try:
        for architecture in profile.get("architectures") or []:
            _check(LIBRARY.seccomp_arch_add(context, ARCHITECTURES[architecture]), allowed=EEXIST)
        for entry in profile.get("syscalls") or []:
            _add_entry(context, entry, default)
        return _export(context)
    finally:
        LIBRARY.seccomp_release(context)


def _add_entry(context: int, entry: dict[str, Any], default: int) -> None:
    action = action_value(entry["action"], entry.get("errnoRet"))
    if action == default:
        return
    conditions = entry.get("args") or []
    indexes = [condition["index"] for condition in conditions]
    repeated = len(set(indexes)) < len(indexes)
    rules = [[condition] for condition in conditions] if repeated else [conditions]
    for name in entry["names"]:
        if not knows(name):
            continue
        syscall = LIBRARY.seccomp_syscall_resolve_name(name.encode())
        for rule in rules:
            array = (_Comparison * len(rule))(*(_comparison(condition) for condition in rule))
            _check(LIBRARY.seccomp_rule_add_array(context, action, syscall, len(rule), array))


def _comparison(condition: dict[str, Any]) -> _Comparison:
    operator = OPERATORS[condition["op"]]
    return _Comparison(condition["index"], operator, condition["value"], condition.get("valueTwo", 0))


def _export(context: int) -> bytes:
    memfd = os.memfd_create("bpf")
    try:
        _check(LIBRARY.seccomp_export_bpf(context, memfd))
        os.lseek(memfd, 0, os.SEEK_SET)
        return os.read(memfd, 1 << 20)
    finally:
        os.close(memfd)


def _check(result: int, allowed: int = 0) -> None:
    if result < 0 and -result != allowed:
        raise Refused(-result)
