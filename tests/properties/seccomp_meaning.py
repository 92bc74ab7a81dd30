# SPDX-License-Identifier: Apache-2.0
"""What a profile says of one system call, read off the profile's text rule by rule: no ranges, no jumps.

Slow and plain on purpose.
"""

import itertools
from typing import Any, NamedTuple

from seccomp_libseccomp import Profile, action_value
from seccomp_simulator import I386, X32_BIT, X86_64

from estiba.tables import syscalls

KILL_THREAD = 0
ENOSYS = 0x0005_0000 | 38
PERMISSIVE = ("SCMP_ACT_ALLOW", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_NOTIFY")
SOCKETCALL, IPC = 102, 117

SOCKET_FUNCTIONS = (  # linux/net.h, from 1 on
    *("socket", "bind", "connect", "listen", "accept", "getsockname", "getpeername", "socketpair", "send"),
    *("recv", "sendto", "recvfrom", "shutdown", "setsockopt", "getsockopt", "sendmsg", "recvmsg", "accept4"),
    *("recvmmsg", "sendmmsg"),
)
IPC_FUNCTIONS = {  # linux/ipc.h
    **{name: 1 + at for at, name in enumerate(("semop", "semget", "semctl", "semtimedop"))},
    **{name: 11 + at for at, name in enumerate(("msgsnd", "msgrcv", "msgget", "msgctl"))},
    **{name: 21 + at for at, name in enumerate(("shmat", "shmdt", "shmget", "shmctl"))},
}
MULTIPLEXED = {
    **{name: (SOCKETCALL, 1 + at) for at, name in enumerate(SOCKET_FUNCTIONS)},
    **{name: (IPC, function) for name, function in IPC_FUNCTIONS.items()},
}


class Abi(NamedTuple):
    """One way into the kernel."""

    word: str
    audit: int
    numbers: dict[str, int]
    width: int


ABIS = {
    "x86_64": Abi("SCMP_ARCH_X86_64", X86_64, syscalls.X86_64, 64),
    "x32": Abi("SCMP_ARCH_X32", X86_64, syscalls.X32, 32),
    "i386": Abi("SCMP_ARCH_X86", I386, syscalls.X86, 32),
}


class Call(NamedTuple):
    """What a filter sees."""

    audit: int
    number: int
    arguments: tuple[int, ...] = (0,) * 6


Condition = tuple[int, str, int, int]
"""Argument, operator, mask, value."""


class Rule(NamedTuple):
    """All conditions must hold; they stand in order of their arguments."""

    conditions: tuple[Condition, ...]
    action: int


def abi_of(call: Call) -> Abi | None:
    """Whose table the number belongs to."""
    if call.audit == I386:
        return ABIS["i386"]
    if call.audit == X86_64:
        return ABIS["x32" if call.number >= X32_BIT else "x86_64"]
    return None


def decide(profile: Profile, call: Call) -> int:
    """What the filter must return."""
    abi = abi_of(call)
    default = action_value(profile["defaultAction"], profile.get("defaultErrnoRet"))
    if abi is None or not is_chosen(profile, abi):
        skipped = abi is ABIS["x32"] and call.number == 0xFFFF_FFFF
        return default if skipped else KILL_THREAD
    if is_newer(profile, abi, call):
        return ENOSYS
    return among(rules(profile, abi, call.number, default), call, default)


def among(candidates: list[Rule], call: Call, default: int) -> int:
    """The action that the rules of a number give a call."""
    for rule in candidates:
        if not rule.conditions:
            return rule.action
    for rule in sorted(candidates, key=precedence):
        if all(holds(condition, call) for condition in rule.conditions):
            return rule.action
    return default


def is_chosen(profile: Profile, abi: Abi) -> bool:
    """Whether the profile's architectures take this ABI in."""
    return abi is ABIS["x86_64"] or abi.word in (profile.get("architectures") or [])


def is_newer(profile: Profile, abi: Abi, call: Call) -> bool:
    """Whether the number is above all that the profile names, under a default action that refuses."""
    known = {
        abi.numbers[name] for entry in entries(profile) for name in entry["names"] if name in abi.numbers
    }
    return profile["defaultAction"] not in PERMISSIVE and bool(known) and call.number > max(known)


def entries(profile: Profile) -> list[dict[str, Any]]:
    """The profile's entries."""
    return profile.get("syscalls") or []


def rules(profile: Profile, abi: Abi, number: int, default: int) -> list[Rule]:
    """What the entries say of this number, in the profile's order."""
    found = []
    for entry in entries(profile):
        action = action_value(entry["action"], entry.get("errnoRet"))
        if action == default:
            continue
        for name, conditions in itertools.product(entry["names"], alternatives(entry, abi)):
            multiplexer, function = MULTIPLEXED.get(name, (None, 0))
            if abi is ABIS["i386"] and number == multiplexer:
                selector = (0, "SCMP_CMP_EQ", 0xFFFF_FFFF, function)
                found.append(Rule((selector, *(c for c in conditions if c[0] != 0)), action))
            if abi.numbers.get(name) == number:
                found.append(Rule(conditions, action))
    return found


def alternatives(entry: dict[str, Any], abi: Abi) -> list[tuple[Condition, ...]]:
    """AND of all conditions; OR of them where two name the same argument."""
    full = (1 << abi.width) - 1
    read = []
    for condition in entry.get("args") or []:
        masked = condition["op"] == "SCMP_CMP_MASKED_EQ"
        mask = (condition["value"] if masked else full) & full
        value = condition.get("valueTwo", 0) if masked else condition["value"]
        read.append((condition["index"], condition["op"], mask, value & mask))
    indexes = [condition[0] for condition in read]
    joined = [[condition] for condition in read] if len(set(indexes)) < len(indexes) else [sorted(read)]
    return [tuple(condition for condition in conditions if condition[2]) for conditions in joined]


def holds(condition: Condition, call: Call) -> bool:
    """Compare the argument."""
    index, operator, mask, value = condition
    argument = call.arguments[index] & mask
    return {
        "SCMP_CMP_NE": argument != value,
        "SCMP_CMP_LT": argument < value,
        "SCMP_CMP_LE": argument <= value,
        "SCMP_CMP_EQ": argument == value,
        "SCMP_CMP_GE": argument >= value,
        "SCMP_CMP_GT": argument > value,
        "SCMP_CMP_MASKED_EQ": argument == value,
    }[operator]


def precedence(rule: Rule) -> list[tuple[int, int, int]]:
    """Sort key: later argument, then equality, less, greater, then the tighter value; prefixes first."""
    key = []
    for index, operator, _, value in rule.conditions:
        kind = {"L": 1, "G": 2}.get(operator.removeprefix("SCMP_CMP_")[0], 0)
        key.append((-index, kind, value if kind == 1 else -value))
    return key
