# SPDX-License-Identifier: Apache-2.0
"""What has to be accepted: our own configs, those of callers as recorded, and what the specification leaves open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from estiba import _core, spec

RECORDED = Path(__file__).parent.parent / "recorded"
PLACEHOLDERS = {"@WORK@": "/work", "@CGROUP@": "/group", "@PID@": "42", "@ID@": "id"}


def recorded(pattern: str) -> list[Any]:
    """List recorded files; their calls are another matter."""
    files = [file for file in sorted(RECORDED.glob(pattern)) if not file.name.endswith(".calls.json")]
    return [pytest.param(file, id=file.stem) for file in files]


def read(file: Path) -> Any:
    """Read a recorded file with something in place of what differs from run to run."""
    text = file.read_text()
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    return spec.parse(text, file.name)


@pytest.mark.parametrize(
    "file", [f for f in recorded("*.json") if not f.values[0].name.endswith(".process.json")]
)
def test_config_of_a_caller_is_valid_and_without_warnings(file: Path) -> None:
    """What podman, containerd and Docker write has to run."""
    config = read(file)
    assert (spec.validate(config), spec.warnings(config)) == ([], [])


@pytest.mark.parametrize("file", recorded("*.process.json"))
def test_process_of_a_caller_is_valid(file: Path) -> None:
    """The same for exec."""
    assert spec.validate_process(read(file)) == []


NO_MAPPINGS = {"crun-1.28-rootless": ["/linux", "/linux"]}
"""crun alone takes the mappings of a user namespace from /etc/subuid where the config has none."""


@pytest.mark.parametrize("file", recorded("spec/*.json"))
def test_default_config_of_another_runtime_is_valid_and_proved(file: Path) -> None:
    """Who changes runtimes keeps the configs."""
    lacking = NO_MAPPINGS.get(file.stem, [])
    problems = spec.validate(read(file))
    assert [problem.pointer for problem in problems] == lacking
    assert (_core.prove(config=file.read_bytes()) is None) == (not lacking)


@pytest.mark.parametrize("rootless", [False, True])
def test_default_config_is_valid_and_without_warnings(rootless: bool) -> None:
    """What `estiba spec` writes runs as it is."""
    config = spec.default_config(rootless=rootless, uid=1000, gid=1000)
    assert (spec.validate(config), spec.warnings(config)) == ([], [])


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("hooks", None),
        ("mounts", None),
        ("annotations", None),
        ("process/rlimits", None),
        ("process/env", None),
        ("process/apparmorProfile", ""),
        ("process/consoleSize", {"height": 0, "width": 0}),
        ("process/oomScoreAdj", None),
        ("process/user", None),
        ("linux/resources", None),
        ("linux/resources/blockIO", {"weight": 0}),
        ("linux/resources/cpu", {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": None}),
        ("linux/resources/cpu", {"quota": -1, "cpus": "0-3, 7", "mems": "0-31:1/2"}),
        ("linux/resources/memory", {"limit": 5, "swap": -1, "reservation": 0, "swappiness": None}),
        ("linux/resources/memory", {"swappiness": 2**64 - 1}),
        ("linux/resources/pids", {"limit": 0}),
        ("linux/resources/devices", [{"allow": True, "type": "c", "major": -1, "minor": -1}]),
        ("linux/devices", [{"path": "/dev/x", "type": "c", "major": 1, "minor": 3, "fileMode": 0o20666}]),
        ("linux/seccomp", None),
        ("linux/rootfsPropagation", "rslave"),
        ("linux/cgroupsPath", "system.slice:estiba:a..b"),
        ("linux/sysctl", {"net/ipv4/ip_forward": "1", "fs.mqueue.msg_max": "5", "kernel.domainname": "x"}),
        ("linux/unknown", {"a": [None]}),
        ("windows", {"layerFolders": 5}),
        ("ociVersion", "1.0.2-dev"),
        ("ociVersion", "1.9.0+x.1"),
    ],
)
def test_what_callers_leave_unset_is_accepted(pointer: str, value: object) -> None:
    """Null, zero and empty stand for absent; unknown properties are ignored."""
    config: Any = spec.default_config()
    *keys, last = pointer.split("/")
    place = config
    for key in keys:
        place = place[key]
    place[last] = value
    assert spec.validate(config) == []


def test_config_without_a_process_is_valid() -> None:
    """`create` may be asked for a container whose program comes later; the engine decides."""
    assert spec.validate({"ociVersion": "1.0.0", "root": {"path": "rootfs"}}) == []


def test_joined_user_namespace_may_come_with_mappings_or_without() -> None:
    """containerd and CRI-O send them although the namespace has its own."""
    config: Any = spec.default_config()
    config["linux"]["namespaces"].append({"type": "user", "path": "/proc/42/ns/user"})
    assert spec.validate(config) == []
    config["linux"]["uidMappings"] = [{"containerID": 0, "hostID": 1000, "size": 1}]
    assert spec.validate(config) == []


def test_process_and_resources_alone_are_judged_with_pointers_of_their_own() -> None:
    """For exec and update: the document starts at the object."""
    assert [p.pointer for p in spec.validate_process({"args": [], "cwd": "x"})] == ["/args", "/cwd"]
    assert [p.pointer for p in spec.validate_resources({"memory": {"limit": "1g"}})] == ["/memory/limit"]
