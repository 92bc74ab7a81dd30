# SPDX-License-Identifier: Apache-2.0
"""Schema of `linux.resources`: limits that the container's cgroup holds."""

from __future__ import annotations

from estiba.spec.schema.forms import (
    END,
    I64,
    U16,
    U32,
    U64,
    Schema,
    array,
    choice,
    flag,
    mapping,
    record,
    size,
    text,
    whole,
    word,
)

DEVICE_RULE = record(
    "one rule on device nodes; a later one wins",
    {
        "allow": flag("whether access is allowed"),
        "type": choice("a for all, b for block, c for character", "a kind of device", "abc"),
        "major": whole("major number, -1 or absent for all", -1, U32),
        "minor": whole("minor number, -1 or absent for all", -1, U32),
        "access": text(
            "r (read), w (write), m (make a node)", expected='letters of "rwm"', pattern=rf"^[rwm]*{END}"
        ),
    },
    required=["allow"],
)

MEMORY = record(
    "memory limits, in bytes",
    {
        "limit": size("hard limit of memory"),
        "reservation": size("soft limit of memory"),
        "swap": size("limit of memory and swap together"),
        "kernel": size("limit of kernel memory; cgroup v1 only"),
        "kernelTCP": size("limit of TCP buffers; cgroup v1 only"),
        "swappiness": {
            **whole("how readily pages are swapped out; cgroup v1 only", 0, U64),
            "expected": "a whole number from 0 to 100",
        },
        "disableOOMKiller": flag("whether tasks wait instead of being killed; cgroup v1 only"),
        "useHierarchy": flag("whether child cgroups count too; cgroup v1 only"),
        "checkBeforeUpdate": flag("whether an update below the present use is refused"),
    },
)

CPU = record(
    "CPU limits",
    {
        "shares": whole("relative share of CPU time, 0 for unset", 0, U64),
        "quota": whole(
            "microseconds of CPU time per period, 0 for unset, below 0 for no limit", -I64 - 1, I64
        ),
        "burst": whole("microseconds that may be saved up beyond the quota", 0, U64),
        "period": whole("length of a period in microseconds, 0 for unset", 0, U64),
        "realtimeRuntime": whole(
            "microseconds of realtime CPU time per period; cgroup v1 only", -I64 - 1, I64
        ),
        "realtimePeriod": whole("length of that period in microseconds; cgroup v1 only", 0, U64),
        "cpus": text('CPUs that may be used, like "0-3,7"'),
        "mems": text('memory nodes that may be used, like "0-1"'),
        "idle": whole("1 for SCHED_IDLE, 0 for the usual", 0, 1),
    },
)


def _device(description: str, fields: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    numbers = {"major": whole("major number", 0, U32), "minor": whole("minor number", 0, U32)}
    return array(
        description,
        "an array of block devices",
        record("one block device", {**numbers, **fields}, required=("major", "minor", *required)),
    )


def _throttle(description: str) -> Schema:
    return _device(description, {"rate": whole("the limit, 0 for none", 0, U64)}, required=("rate",))


BLOCK_IO = record(
    "limits of block devices",
    {
        "weight": whole("relative share of I/O, 10 to 1000, 0 for unset", 0, U16),
        "leafWeight": whole("the same for tasks beside child cgroups; cgroup v1 only", 0, U16),
        "weightDevice": _device(
            "weights for single devices",
            {
                "weight": whole("relative share of I/O, 10 to 1000", 0, U16),
                "leafWeight": whole("the same for tasks beside child cgroups", 0, U16),
            },
        ),
        "throttleReadBpsDevice": _throttle("bytes read per second"),
        "throttleWriteBpsDevice": _throttle("bytes written per second"),
        "throttleReadIOPSDevice": _throttle("reads per second"),
        "throttleWriteIOPSDevice": _throttle("writes per second"),
    },
)

HUGE_PAGES = array(
    "limits of huge pages",
    "an array of huge page limits",
    record(
        "the limit of one page size",
        {
            "pageSize": text(
                "the page size", expected='a page size like "2MB"', pattern=rf"^[1-9][0-9]*[KMG]B{END}"
            ),
            "limit": whole("limit in bytes", 0, U64),
        },
        required=["pageSize", "limit"],
    ),
)

NETWORK = record(
    "marks on network packets; cgroup v1 only",
    {
        "classID": whole("class of the packets", 0, U32),
        "priorities": array(
            "priorities by interface",
            "an array of priorities",
            record(
                "the priority of one interface",
                {
                    "name": word("the interface", "the name of an interface"),
                    "priority": whole("priority", 0, U32),
                },
                required=["name", "priority"],
            ),
        ),
    },
)

RDMA = mapping(
    "limits of RDMA devices by name",
    record(
        "the limits of one device",
        {
            "hcaHandles": whole("how many handles", 0, U32),
            "hcaObjects": whole("how many objects", 0, U32),
        },
    ),
)

RESOURCES: Schema = record(
    "limits that the container's cgroup holds",
    {
        "devices": array("which device nodes may be used", "an array of device rules", DEVICE_RULE),
        "memory": MEMORY,
        "cpu": CPU,
        "pids": record("limit of tasks", {"limit": whole("how many tasks, -1 for no limit", -1, I64)}),
        "blockIO": BLOCK_IO,
        "hugepageLimits": HUGE_PAGES,
        "network": NETWORK,
        "rdma": RDMA,
        "unified": mapping("files of cgroup v2 and what is written to them", text("what is written")),
    },
)
