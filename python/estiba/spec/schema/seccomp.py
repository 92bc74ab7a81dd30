# SPDX-License-Identifier: Apache-2.0
"""Schema of `linux.seccomp`: the filter of system calls."""

from __future__ import annotations

from estiba.spec.schema.forms import U32, U64, Schema, array, choice, record, text, whole, word
from estiba.tables.seccomp import ACTIONS, ARCHITECTURES, FLAGS, OPERATORS

ARGUMENT = record(
    "one comparison of an argument",
    {
        "index": whole("which argument", 0, 5),
        "value": whole("what it is compared with; the mask for SCMP_CMP_MASKED_EQ", 0, U64),
        "valueTwo": whole("what the masked argument is compared with", 0, U64),
        "op": choice("the comparison", "a seccomp operator", OPERATORS),
    },
    required=["index", "value", "op"],
)

SYSCALL = record(
    "one rule",
    {
        "names": array(
            "the system calls that the rule is about",
            "an array with at least one system call",
            word("a system call", "the name of a system call"),
            least=1,
        ),
        "action": choice("what happens on a match", "a seccomp action", ACTIONS),
        "errnoRet": whole("error number to answer with", 0, U32),
        "args": array("comparisons that must all hold", "an array of comparisons", ARGUMENT),
    },
    required=["names", "action"],
)

SECCOMP: Schema = record(
    "the filter of system calls",
    {
        "defaultAction": choice("what happens when no rule matches", "a seccomp action", ACTIONS),
        "defaultErrnoRet": whole("error number of the default action", 0, U32),
        "architectures": array(
            "the architectures whose system calls are filtered by name",
            "an array of seccomp architectures",
            choice("an architecture", "a seccomp architecture", ARCHITECTURES),
        ),
        "flags": array(
            "flags of seccomp(2)", "an array of seccomp flags", choice("a flag", "a seccomp flag", FLAGS)
        ),
        "listenerPath": text("socket of the agent that answers SCMP_ACT_NOTIFY"),
        "listenerMetadata": text("free words for that agent"),
        "syscalls": array("the rules", "an array of rules", SYSCALL),
    },
    required=["defaultAction"],
)
