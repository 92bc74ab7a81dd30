# SPDX-License-Identifier: Apache-2.0
"""Schema of `linux`: namespaces, devices, limits and the rest that only Linux has."""

from __future__ import annotations

from estiba.spec.schema.forms import (
    I64,
    U32,
    Schema,
    array,
    choice,
    flag,
    line,
    mapping,
    mode,
    owner,
    path,
    record,
    text,
    texts,
    whole,
)
from estiba.spec.schema.mounts import id_mappings
from estiba.spec.schema.resources import RESOURCES
from estiba.spec.schema.seccomp import SECCOMP
from estiba.tables.memory_policy import MEMORY_POLICY_FLAGS, MEMORY_POLICY_MODES
from estiba.tables.namespaces import NAMESPACES
from estiba.tables.personalities import PERSONALITIES

NAMESPACE = record(
    "one namespace",
    {
        "type": choice("kind of namespace", "a namespace type", NAMESPACES),
        "path": path("file of an existing namespace to join; without it a new one is made"),
    },
    required=["type"],
)

DEVICE = record(
    "one device node",
    {
        "path": path("where the node is, inside the container"),
        "type": choice("b for block, c or u for character, p for pipe", "a kind of device", "bcup"),
        "major": whole("major number", 0, (1 << 12) - 1),
        "minor": whole("minor number", 0, (1 << 20) - 1),
        "fileMode": mode("permissions", U32),
        "uid": owner("owner, as the container sees it"),
        "gid": owner("group, as the container sees it"),
    },
    required=["path", "type"],
)

CLOCK = record(
    "how far a clock is ahead of the host's",
    {
        "secs": whole("seconds", -I64 - 1, I64),
        "nanosecs": whole("nanoseconds", 0, 999_999_999),
    },
)

INTEL_RDT = record(
    "cache and memory bandwidth by Intel RDT",
    {
        "closID": text("class of service"),
        "l3CacheSchema": line("schema of the L3 cache"),
        "memBwSchema": line("schema of memory bandwidth", start="MB:"),
        "schemata": array("lines for the schemata file", "an array of lines", line("one line")),
        "enableMonitoring": flag("whether a monitoring group is made"),
    },
)

MEMORY_POLICY = record(
    "NUMA memory policy, see set_mempolicy(2)",
    {
        "mode": choice("the policy", "a memory policy", MEMORY_POLICY_MODES),
        "nodes": text('memory nodes, like "0-3,7"'),
        "flags": array(
            "flags of the policy",
            "an array of memory policy flags",
            choice("a flag", "a memory policy flag", MEMORY_POLICY_FLAGS),
        ),
    },
    required=["mode"],
)

PERSONALITY = record(
    "execution domain of the process, see personality(2)",
    {
        "domain": choice("the domain", "an execution domain", PERSONALITIES),
        "flags": texts("none are defined"),
    },
    required=["domain"],
)

LINUX: Schema = record(
    "what only Linux has",
    {
        "namespaces": array("namespaces to make or join", "an array of namespaces", NAMESPACE),
        "uidMappings": id_mappings("user ids of the new user namespace"),
        "gidMappings": id_mappings("group ids of the new user namespace"),
        "timeOffsets": mapping("offsets of the clocks of the new time namespace", CLOCK),
        "devices": array("device nodes to make", "an array of devices", DEVICE),
        "netDevices": mapping(
            "network interfaces of the host to move into the container",
            record("one interface", {"name": text("its name inside the container")}),
        ),
        "cgroupsPath": text("where the container's cgroup is; for systemd's manager slice:prefix:name"),
        "resources": RESOURCES,
        "intelRdt": INTEL_RDT,
        "memoryPolicy": MEMORY_POLICY,
        "sysctl": mapping("kernel parameters to set inside the namespaces", text("a value")),
        "seccomp": SECCOMP,
        "rootfsPropagation": choice(
            "propagation of mounts between host and root file system",
            "a mount propagation",
            ["private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable"],
        ),
        "maskedPaths": array("paths to hide inside the container", "an array of paths", path("one of them")),
        "readonlyPaths": array(
            "paths to make read-only inside the container", "an array of paths", path("one of them")
        ),
        "mountLabel": text("SELinux label of the container's mounts"),
        "personality": PERSONALITY,
    },
)
