# SPDX-License-Identifier: Apache-2.0
"""The seccomp profile of a container that asks for none: linux.seccomp, as its capabilities make it."""

from __future__ import annotations

from collections.abc import Collection

from estiba.tables.seccomp_profile import ARCHITECTURES, DEFAULT_ERRNO, RULES


def default_profile(capabilities: Collection[str]) -> dict[str, object]:
    """Make the linux.seccomp object of a container with these capabilities ("CAP_CHOWN" and so on).

    Some system calls are allowed only where a capability says that the program may do what they do.
    """
    allowed: list[str] = []
    """Names that are allowed whatever their arguments are, put into one rule."""
    rules: list[dict[str, object]] = []
    for names, conditions, needed, unmet, errno in RULES:
        if (needed and needed not in capabilities) or (unmet and unmet in capabilities):
            continue
        if errno is None and not conditions:
            allowed += names
            continue
        rule: dict[str, object] = {"names": list(names), "action": "SCMP_ACT_ALLOW"}
        if errno is not None:
            rule |= {"action": "SCMP_ACT_ERRNO", "errnoRet": errno}
        if conditions:
            rule["args"] = [
                {"index": index, "value": value, "op": operator} for index, value, operator in conditions
            ]
        rules.append(rule)
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": DEFAULT_ERRNO,
        "architectures": list(ARCHITECTURES),
        "syscalls": [{"names": sorted(set(allowed)), "action": "SCMP_ACT_ALLOW"}, *rules],
    }
