# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies for configs: valid ones, ones of the right shape, and both with something broken.

`shaped` follows the schema and knows no rules; `valid_configs` composes sections that obey the rules; `mutated`
breaks a few places of any document. Together they reach the border between valid and invalid from both sides.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from estiba import spec
from estiba.spec.schema import CONFIG
from estiba.tables.capabilities import CAPABILITIES
from estiba.tables.mount_options import ATTRIBUTES, PROPAGATION
from estiba.tables.rlimits import RLIMITS
from estiba.tables.seccomp import ACTIONS, ARCHITECTURES, OPERATORS

RECORDED = Path(__file__).parent.parent / "recorded"

U32, U64 = (1 << 32) - 1, (1 << 64) - 1

EDGES = (
    0,
    1,
    -1,
    5,
    1000,
    65535,
    65536,
    2**31,
    U32 - 1,
    U32,
    U32 + 1,
    2**63 - 1,
    2**63,
    U64,
    U64 + 1,
    1.0,
    -0.5,
    1e30,
)

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
PARTS = st.text("abcxyz0159._-", min_size=1, max_size=6).filter(lambda part: part not in (".", ".."))
PATHS = st.lists(PARTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))

JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from(EDGES) | st.integers() | WORDS | PATHS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, small."""


def shaped(schema: Mapping[str, Any] = CONFIG) -> st.SearchStrategy[Any]:
    """Draw a value that the schema allows, with no thought of what it means."""
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    value: st.SearchStrategy[Any]
    if "enum" in schema:
        value = st.sampled_from([each for each in schema["enum"] if each is not None])
    elif kind == "integer":
        value = st.integers(schema["minimum"], schema["maximum"])
        value |= st.sampled_from([schema["minimum"], schema["maximum"]])
    elif kind == "string":
        value = st.from_regex(schema["pattern"], alphabet=st.sampled_from("/azAZ019.:=,- MB\né")) | _likely(
            schema
        )
    elif kind == "array":
        value = st.lists(shaped(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)
    elif "properties" in schema:
        needed = schema.get("required", [])
        fields = {key: shaped(inner) for key, inner in schema["properties"].items()}
        value = st.fixed_dictionaries(
            {key: field for key, field in fields.items() if key in needed},
            optional={key: field for key, field in fields.items() if key not in needed},
        )
    elif "additionalProperties" in schema:
        value = st.dictionaries(WORDS | PATHS, shaped(schema["additionalProperties"]), max_size=3)
    else:
        value = st.booleans()
    return value if isinstance(schema["type"], str) else st.none() | value


def _likely(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    """Words that mean something somewhere, where the schema has no list of them."""
    if schema["expected"] == "a string":
        return st.sampled_from(["", "1.2.0", "rbind", "ro", "idmap", "0-3", "A=b", "/x", "..", *CAPABILITIES])
    return PATHS if schema["expected"] == "an absolute path" else st.nothing()


ID_RANGES = st.lists(st.integers(1, 1000), min_size=1, max_size=3).map(
    lambda sizes: [
        {"containerID": sum(sizes[:i]), "hostID": 100_000 + sum(sizes[:i]), "size": size}
        for i, size in enumerate(sizes)
    ]
)

MOUNTS = st.lists(
    st.one_of(
        st.builds(
            lambda to, source, options, recursive: {
                "destination": to,
                "source": source,
                "type": "bind",
                "options": ["rbind" if recursive else "bind", *options],
            },
            PATHS,
            PATHS,
            st.lists(st.sampled_from([*ATTRIBUTES, *PROPAGATION]), max_size=3),
            st.booleans(),
        ),
        st.builds(
            lambda to, kind, options: {"destination": to, "source": kind, "type": kind, "options": options},
            PATHS,
            st.sampled_from(["tmpfs", "proc", "sysfs", "mqueue", "devpts", "cgroup"]),
            st.none() | st.lists(st.sampled_from([*ATTRIBUTES, "mode=755", "size=1m"]), max_size=3),
        ),
    ),
    max_size=3,
)

SECCOMP = st.fixed_dictionaries(
    {"defaultAction": st.sampled_from([action for action in ACTIONS if action != "SCMP_ACT_NOTIFY"])},
    optional={
        "architectures": st.lists(st.sampled_from(list(ARCHITECTURES)), max_size=3),
        "syscalls": st.lists(
            st.fixed_dictionaries(
                {
                    "names": st.lists(
                        st.sampled_from(["read", "clone3", "no_such_call"]), min_size=1, max_size=2
                    ),
                    "action": st.just("SCMP_ACT_ERRNO"),
                },
                optional={
                    "errnoRet": st.integers(0, 4095),
                    "args": st.lists(
                        st.fixed_dictionaries(
                            {
                                "index": st.integers(0, 5),
                                "value": st.integers(0, U64),
                                "op": st.sampled_from(list(OPERATORS)),
                            },
                            optional={"valueTwo": st.integers(0, U64)},
                        ),
                        max_size=2,
                    ),
                },
            ),
            max_size=3,
        ),
    },
)

RESOURCES = st.fixed_dictionaries(
    {},
    optional={
        "devices": st.lists(
            st.fixed_dictionaries(
                {"allow": st.booleans()},
                optional={
                    "type": st.sampled_from("abc"),
                    "major": st.integers(-1, 4095),
                    "minor": st.integers(-1, 4095),
                    "access": st.sampled_from(["r", "rw", "rwm", "m"]),
                },
            ),
            max_size=4,
        ),
        "memory": st.fixed_dictionaries({"limit": st.integers(4096, 2**40)}, optional={"swap": st.just(-1)}),
        "cpu": st.fixed_dictionaries(
            {},
            optional={
                "shares": st.integers(0, 2**18),
                "quota": st.integers(1000, 10**6),
                "period": st.integers(1000, 10**6),
                "cpus": st.sampled_from(["", "0", "0-1", "0,2-3"]),
            },
        ),
        "pids": st.fixed_dictionaries({"limit": st.integers(-1, 10**6)}),
        "blockIO": st.fixed_dictionaries({"weight": st.just(0) | st.integers(10, 1000)}),
        "unified": st.dictionaries(st.sampled_from(["memory.high", "pids.max"]), st.just("max"), max_size=2),
    },
)

PROCESS: dict[str, st.SearchStrategy[Any]] = {
    "args": st.lists(WORDS, max_size=3).map(lambda rest: ["sh", *rest]),
    "cwd": PATHS,
    "env": st.lists(WORDS.map(lambda value: f"NAME={value}"), max_size=3),
    "user": st.fixed_dictionaries(
        {"uid": st.integers(0, U32 - 1), "gid": st.integers(0, U32 - 1)},
        optional={"umask": st.integers(0, 0o777), "additionalGids": st.lists(st.integers(0, 99), max_size=3)},
    ),
    "rlimits": st.lists(st.sampled_from(list(RLIMITS)), unique=True, max_size=3).map(
        lambda kinds: [{"type": kind, "soft": index, "hard": 10} for index, kind in enumerate(kinds)]
    ),
    "oomScoreAdj": st.integers(-1000, 1000),
    "noNewPrivileges": st.booleans(),
    "terminal": st.booleans(),
    "capabilities": st.fixed_dictionaries(
        {}, optional={"bounding": st.lists(st.sampled_from(list(CAPABILITIES)), max_size=4)}
    ),
    "ioPriority": st.fixed_dictionaries(
        {"class": st.just("IOPRIO_CLASS_BE"), "priority": st.integers(0, 7)},
    ),
}

LINUX: dict[str, st.SearchStrategy[Any]] = {
    "resources": st.none() | RESOURCES,
    "seccomp": st.none() | SECCOMP,
    "cgroupsPath": PATHS,
    "maskedPaths": st.lists(PATHS, max_size=3),
    "readonlyPaths": st.lists(PATHS, max_size=3),
    "rootfsPropagation": st.sampled_from(["private", "rslave", "shared"]),
    "sysctl": st.dictionaries(
        st.sampled_from(["net.ipv4.ip_forward", "net/core/somaxconn", "kernel.msgmax", "fs.mqueue.msg_max"]),
        st.sampled_from(["0", "1", "256"]),
        max_size=2,
    ),
    "devices": st.lists(
        st.fixed_dictionaries(
            {
                "path": PATHS,
                "type": st.sampled_from("bcu"),
                "major": st.integers(0, 4095),
                "minor": st.integers(0, 2**20 - 1),
            },
            optional={"fileMode": st.integers(0, 0o777), "uid": st.integers(0, U32 - 1)},
        ),
        max_size=2,
    ),
}


@st.composite
def valid_configs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a config that obeys every rule."""
    config: dict[str, Any] = spec.default_config(rootless=draw(st.booleans()), uid=1000, gid=1000)
    process, linux = config["process"], config["linux"]
    for section, fields in ((process, PROCESS), (linux, LINUX)):
        for key in draw(st.lists(st.sampled_from(list(fields)), unique=True, max_size=4)):
            section[key] = draw(fields[key])
    config["mounts"] += draw(MOUNTS)
    kinds = [entry["type"] for entry in linux["namespaces"]]
    if "network" not in kinds:
        linux.pop("sysctl", None)
    if "user" not in kinds and draw(st.booleans()):
        linux["namespaces"].append({"type": "user"})
        linux["uidMappings"], linux["gidMappings"] = draw(ID_RANGES), draw(ID_RANGES)
    if draw(st.booleans()):
        linux["namespaces"].append({"type": "time"})
        linux["timeOffsets"] = {"monotonic": {"secs": draw(st.integers(-1000, 1000))}}
    draw(st.randoms(use_true_random=False)).shuffle(linux["namespaces"])
    return config


def recorded_configs() -> st.SearchStrategy[Any]:
    """Draw one of the configs that callers wrote, with something in place of what differs from run to run."""
    files = [file for file in sorted(RECORDED.glob("*.json")) if file.name.count(".") == 1]
    return st.sampled_from(files).map(lambda file: json.loads(file.read_text().replace("@", "/")))


@st.composite
def mutated(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    """Draw a document and break one to three places of it."""
    document = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        if not places:
            return draw(JSON)
        container, key = draw(st.sampled_from(places))
        _break(draw, container, key)
    return document


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(entries):
        yield node, key
        yield from _places(value)


def _break(draw: st.DrawFn, container: Any, key: Any) -> None:
    value = container[key]
    how = draw(st.sampled_from(["drop", "replace", "null", "edge", "word", "twice", "empty"]))
    if how == "drop":
        del container[key]
    elif how == "null":
        container[key] = None
    elif how == "edge":
        container[key] = draw(st.sampled_from(EDGES))
    elif how == "word":
        container[key] = draw(st.sampled_from(["", "\0", "x", "/", "..", "-1"]) | WORDS)
    elif how == "twice" and isinstance(container, list):
        container.append(copy.deepcopy(value))
    elif how == "empty" and isinstance(value, (dict, list, str)):
        container[key] = type(value)()
    else:
        container[key] = draw(JSON)


def any_configs() -> st.SearchStrategy[Any]:
    """Draw from all of them: what a prover or a planner has to live with."""
    sources = valid_configs() | shaped() | recorded_configs()
    return sources | mutated(sources)
