# SPDX-License-Identifier: Apache-2.0
"""The tables that are a name and a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.codegen.layout import const, module, numbers, pairs, text
from estiba.tables import (
    capabilities,
    devices,
    memory_policy,
    namespaces,
    personalities,
    rlimits,
    scheduling,
    seccomp,
    signals,
    syscalls,
    sysctls,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def plain_tables() -> dict[str, str]:
    """Write the tables that are a name and a number."""
    return {
        "devices": default_devices(),
        "namespaces": namespace_files(),
        "sysctls": owned_sysctls(),
        "syscalls": syscall_numbers(),
        "capabilities": module(
            "Capabilities.",
            table("CAPABILITIES", capabilities.CAPABILITIES, "Name to number."),
            last("CAPABILITY", max(capabilities.CAPABILITIES.values()), "The highest number above."),
        ),
        "rlimits": module("Resource limits.", table("RLIMITS", rlimits.RLIMITS, "OCI name to number.")),
        "signals": module(
            "Signals.",
            table("SIGNALS", signals.SIGNALS, "Name without SIG, in capitals, to number."),
            last("SIGNAL", signals.LAST_SIGNAL, "The highest signal number."),
        ),
        "scheduling": module(
            "CPU and I/O scheduling.",
            table("POLICIES", scheduling.SCHEDULER_POLICIES, "SCHED_*."),
            table("FLAGS", scheduling.SCHEDULER_FLAGS, "SCHED_FLAG_*.", "{:#x}"),
            table("IO_CLASSES", scheduling.IO_CLASSES, "IOPRIO_CLASS_*."),
        ),
        "memory_policy": module(
            "NUMA memory policy.",
            table("MODES", memory_policy.MEMORY_POLICY_MODES, "MPOL_*."),
            table("FLAGS", memory_policy.MEMORY_POLICY_FLAGS, "MPOL_F_*.", "{:#x}"),
        ),
        "personalities": module(
            "Execution domains.",
            table(
                "PERSONALITIES",
                personalities.PERSONALITIES,
                "OCI name to what personality(2) takes.",
                "{:#x}",
            ),
        ),
        "seccomp": module(
            "Seccomp names.",
            table("ACTIONS", seccomp.ACTIONS, "SECCOMP_RET_*.", "{:#x}"),
            table("OPERATORS", seccomp.OPERATORS, "Comparisons of an argument."),
            table("FLAGS", seccomp.FLAGS, "SECCOMP_FILTER_FLAG_*.", "{:#x}"),
            table("ARCHITECTURES", seccomp.ARCHITECTURES, "AUDIT_ARCH_*.", "{:#x}"),
        ),
    }


def table(name: str, entries: Mapping[str, int], doc: str, form: str = "{}") -> str:
    """Write one table, each number in this form."""
    return const(name, "(&str, u32)", numbers(entries, form), doc)


def last(what: str, number: int, doc: str) -> str:
    """Write the constant that says where a range ends."""
    return f"/// {doc}\npub const LAST_{what}: u32 = {number};\n"


def default_devices() -> str:
    """Write devices.rs, in the order in which they are made."""
    known = (f"({text(path)}, {major}, {minor})" for path, (major, minor) in devices.DEFAULT_DEVICES.items())
    doc = "Path, major, minor of character devices."
    return module("The devices that every container has.", const("DEFAULT", "(&str, u32, u32)", known, doc))


def namespace_files() -> str:
    """Write namespaces.rs."""
    known = {name: f"({flag:#x}, {text(file)})" for name, (flag, file) in namespaces.NAMESPACES.items()}
    doc = "OCI name to (CLONE_NEW*, file in /proc/PID/ns)."
    return module("Namespaces.", const("NAMESPACES", "(&str, (u64, &str))", pairs(known), doc))


def owned_sysctls() -> str:
    """Write sysctls.rs."""
    known = {name: text(kind) for name, kind in sysctls.SYSCTLS.items()}
    title = "Kernel parameters that a namespace has for itself."
    return module(title, const("SYSCTLS", "(&str, &str)", pairs(known), "Name to the kind of namespace."))


def syscall_numbers() -> str:
    """Write syscalls.rs."""
    interfaces = {"X86_64": "x86_64", "X86": "x86", "X32": "x32, bit 30 included"}
    tables = (
        table(f"SYSCALLS_{name}", getattr(syscalls, name), f"Name to number of {words}.")
        for name, words in interfaces.items()
    )
    return module("System calls.", *tables)
