# SPDX-License-Identifier: Apache-2.0
"""The tables that are a name and a number."""

from __future__ import annotations

from estiba.codegen.layout import const, module, numbers, pairs, text
from estiba.tables import (
    capabilities,
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


def plain_tables() -> dict[str, str]:
    """Write the tables that are a name and a number."""
    spaces = {name: f"({flag:#x}, {text(file)})" for name, (flag, file) in namespaces.NAMESPACES.items()}
    kind = "(&str, u32)"
    return {
        "namespaces": module(
            "Namespaces.",
            const(
                "NAMESPACES",
                "(&str, (u64, &str))",
                pairs(spaces),
                "OCI name to (CLONE_NEW*, file in /proc/PID/ns).",
            ),
        ),
        "capabilities": module(
            "Capabilities.",
            const("CAPABILITIES", kind, numbers(capabilities.CAPABILITIES), "Name to number."),
            "/// The highest number above.\n"
            f"pub const LAST_CAPABILITY: u32 = {max(capabilities.CAPABILITIES.values())};\n",
        ),
        "rlimits": module(
            "Resource limits.", const("RLIMITS", kind, numbers(rlimits.RLIMITS), "OCI name to number.")
        ),
        "sysctls": module(
            "Kernel parameters that a namespace has for itself.",
            const(
                "SYSCTLS",
                "(&str, &str)",
                pairs({name: text(kind) for name, kind in sysctls.SYSCTLS.items()}),
                "Name to the kind of namespace.",
            ),
        ),
        "scheduling": module(
            "CPU and I/O scheduling.",
            const("POLICIES", kind, numbers(scheduling.SCHEDULER_POLICIES), "SCHED_*."),
            const("FLAGS", kind, numbers(scheduling.SCHEDULER_FLAGS, "{:#x}"), "SCHED_FLAG_*."),
            const("IO_CLASSES", kind, numbers(scheduling.IO_CLASSES), "IOPRIO_CLASS_*."),
        ),
        "memory_policy": module(
            "NUMA memory policy.",
            const("MODES", kind, numbers(memory_policy.MEMORY_POLICY_MODES), "MPOL_*."),
            const("FLAGS", kind, numbers(memory_policy.MEMORY_POLICY_FLAGS, "{:#x}"), "MPOL_F_*."),
        ),
        "personalities": module(
            "Execution domains.",
            const(
                "PERSONALITIES",
                kind,
                numbers(personalities.PERSONALITIES, "{:#x}"),
                "OCI name to what personality(2) takes.",
            ),
        ),
        "signals": module(
            "Signals.",
            const("SIGNALS", kind, numbers(signals.SIGNALS), "Name without SIG, in capitals, to number."),
            f"/// The highest signal number.\npub const LAST_SIGNAL: u32 = {signals.LAST_SIGNAL};\n",
        ),
        "syscalls": module(
            "System calls.",
            *(
                const(
                    f"SYSCALLS_{name}", kind, numbers(getattr(syscalls, name)), f"Name to number of {words}."
                )
                for name, words in (("X86_64", "x86_64"), ("X86", "x86"), ("X32", "x32, bit 30 included"))
            ),
        ),
        "seccomp": module(
            "Seccomp names.",
            const("ACTIONS", kind, numbers(seccomp.ACTIONS, "{:#x}"), "SECCOMP_RET_*."),
            const("OPERATORS", kind, numbers(seccomp.OPERATORS), "Comparisons of an argument."),
            const("FLAGS", kind, numbers(seccomp.FLAGS, "{:#x}"), "SECCOMP_FILTER_FLAG_*."),
            const("ARCHITECTURES", kind, numbers(seccomp.ARCHITECTURES, "{:#x}"), "AUDIT_ARCH_*."),
        ),
    }
