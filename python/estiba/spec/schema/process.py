# SPDX-License-Identifier: Apache-2.0
"""Schema of `process`: the program, who runs it and what it may do."""

from __future__ import annotations

from estiba.spec.schema.forms import (
    I32,
    U16,
    U64,
    Schema,
    array,
    choice,
    flag,
    mode,
    owner,
    path,
    record,
    text,
    texts,
    whole,
)
from estiba.tables.rlimits import RLIMITS
from estiba.tables.scheduling import IO_CLASSES, SCHEDULER_FLAGS, SCHEDULER_POLICIES

USER = record(
    "the ids of the process, as the container sees them",
    {
        "uid": owner("user id"),
        "gid": owner("group id"),
        "umask": mode("file mode creation mask", 0o777),
        "additionalGids": array("further groups of the process", "an array of group ids", owner("group id")),
        "username": text("name of the user; Windows only, ignored here"),
    },
)

CAPABILITIES = record(
    "the capability sets of the process",
    {
        "bounding": texts("upper bound of what any program in the container can gain"),
        "permitted": texts("what the process may use"),
        "effective": texts("what is in force at the start"),
        "inheritable": texts("what an executed program may keep"),
        "ambient": texts("what an executed program keeps without file capabilities"),
    },
)

UNLIMITED = f"no limit is {U64}"

RLIMIT = record(
    "one resource limit",
    {
        "type": choice("the limited resource", "a resource limit", RLIMITS),
        "soft": whole("the limit in force", 0, U64, hint=UNLIMITED),
        "hard": whole("how far the process may raise the soft limit", 0, U64, hint=UNLIMITED),
    },
    required=["type", "soft", "hard"],
)

SCHEDULER = record(
    "CPU scheduling of the process, see sched_setattr(2)",
    {
        "policy": choice("scheduling policy", "a scheduling policy", SCHEDULER_POLICIES),
        "nice": whole("nice value: the lower, the more CPU time", -I32 - 1, I32),
        "priority": whole("static priority of SCHED_FIFO and SCHED_RR", -I32 - 1, I32),
        "flags": array(
            "scheduling flags",
            "an array of scheduling flags",
            choice("a scheduling flag", "a scheduling flag", SCHEDULER_FLAGS),
        ),
        "runtime": whole("SCHED_DEADLINE: nanoseconds of CPU time per period", 0, U64),
        "deadline": whole("SCHED_DEADLINE: nanoseconds within which they are due", 0, U64),
        "period": whole("SCHED_DEADLINE: length of a period in nanoseconds", 0, U64),
    },
    required=["policy"],
)

IO_PRIORITY = record(
    "I/O scheduling of the process, see ioprio_set(2)",
    {
        "class": choice("I/O scheduling class", "an I/O scheduling class", IO_CLASSES),
        "priority": whole("level in the class, 0 is the highest", 0, 7),
    },
    required=["class"],
)

PROCESS: Schema = record(
    "the program to run in the container",
    {
        "terminal": flag("whether the process gets a terminal of its own"),
        "consoleSize": record(
            "size of that terminal in characters",
            {"height": whole("rows", 0, U16), "width": whole("columns", 0, U16)},
            required=["height", "width"],
        ),
        "cwd": path("working directory of the process inside the container"),
        "env": texts("environment of the process, NAME=VALUE each"),
        "args": texts("the program and its arguments", least=1),
        "user": USER,
        "capabilities": CAPABILITIES,
        "rlimits": array("resource limits, see setrlimit(2)", "an array of resource limits", RLIMIT),
        "noNewPrivileges": flag("whether executing a program can never give more privileges"),
        "oomScoreAdj": whole("bias of the out-of-memory killer", -1000, 1000),
        "apparmorProfile": text("AppArmor profile of the process"),
        "selinuxLabel": text("SELinux label of the process"),
        "scheduler": SCHEDULER,
        "ioPriority": IO_PRIORITY,
        "execCPUAffinity": record(
            "CPUs of a process that joins a running container",
            {
                "initial": text('CPUs before it is in the container\'s cgroup, like "0-3,7"'),
                "final": text('CPUs after that, like "0-3,7"'),
            },
        ),
    },
    required=["args", "cwd"],
)
