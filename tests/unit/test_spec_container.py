# SPDX-License-Identifier: Apache-2.0
"""The config that engines start from gives a container what Docker gives it, by what was recorded from Docker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estiba import _core, spec
from estiba.spec.container import CAPABILITIES, container_config
from estiba.spec.seccomp_profile import default_profile
from estiba.tables.capabilities import CAPABILITIES as EVERY

RECORDED = Path(__file__).resolve().parents[1] / "recorded" / "docker-run.json"
NEWER = {"clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "personality", "socket"}
"""Names that newer Dockers no longer allow whatever the arguments are."""


def docker() -> dict[str, Any]:
    """Return the config that Docker 20.10 wrote."""
    config: dict[str, Any] = json.loads(RECORDED.read_text())
    return config


def names(profile: dict[str, Any]) -> set[str]:
    """Return the names that a profile allows whatever the arguments are."""
    rules = [
        rule for rule in profile["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" and not rule.get("args")
    ]
    return {name for rule in rules for name in rule["names"]}


@pytest.mark.parametrize("is_privileged", [False, True])
@pytest.mark.parametrize("has_host_network", [False, True])
def test_the_config_is_valid_and_proved(is_privileged: bool, has_host_network: bool) -> None:
    """The engine takes it without asking Python."""
    config = container_config(
        rootfs="rootfs",
        args=["sh"],
        env=["A=1"],
        is_privileged=is_privileged,
        has_host_network=has_host_network,
        capabilities=tuple(EVERY) if is_privileged else CAPABILITIES,
        hostname="web",
    )
    assert spec.validate(config) == []
    assert _core.prove(config=json.dumps(config).encode()) is None


def test_capabilities_are_dockers() -> None:
    """In each of the sets; a program that is not root holds none."""
    theirs = docker()["process"]["capabilities"]
    ours = container_config(rootfs="r", args=["sh"])["process"]["capabilities"]
    assert {name: set(held) for name, held in ours.items()} == {
        name: set(held) for name, held in theirs.items()
    }
    user = {"uid": 1000, "gid": 1000}
    held = container_config(rootfs="r", args=["sh"], user=user)["process"]["capabilities"]
    assert (held["effective"], held["permitted"]) == ([], [])
    assert set(held["bounding"]) == set(CAPABILITIES)


def test_what_docker_masks_is_masked() -> None:
    """And at least that is read-only."""
    theirs, ours = docker()["linux"], container_config(rootfs="r", args=["sh"])["linux"]
    assert set(theirs["maskedPaths"]) <= set(ours["maskedPaths"])
    assert set(theirs["readonlyPaths"]) <= set(ours["readonlyPaths"])


def test_mounts_are_dockers() -> None:
    """Destinations, types and the options that harden."""
    ours = {mount["destination"]: mount for mount in container_config(rootfs="r", args=["sh"])["mounts"]}
    for theirs in docker()["mounts"]:
        if theirs["type"] == "bind":
            continue
        mine = ours[theirs["destination"]]
        assert mine["type"] == theirs["type"]
        hardened = {"ro", "nosuid", "noexec", "nodev"} & set(theirs["options"])
        assert hardened <= set(mine["options"])


def test_the_seccomp_profile_allows_what_the_recorded_one_does() -> None:
    """Newer Dockers have added names, and taken none but those with rules of their own."""
    assert names(docker()["linux"]["seccomp"]) - names(default_profile(CAPABILITIES)) <= NEWER


@pytest.mark.parametrize(
    ("capability", "name"), [("CAP_SYS_ADMIN", "mount"), ("CAP_SYS_TIME", "settimeofday"), ("CAP_BPF", "bpf")]
)
def test_a_capability_allows_the_system_calls_that_need_it(capability: str, name: str) -> None:
    """The profile follows the capabilities."""
    assert name not in names(default_profile(CAPABILITIES))
    assert name in names(default_profile((*CAPABILITIES, capability)))


def test_a_privileged_container_has_neither_masks_nor_a_filter() -> None:
    """As with Docker."""
    config = container_config(rootfs="r", args=["sh"], is_privileged=True)
    assert not {"maskedPaths", "readonlyPaths", "seccomp"} & set(config["linux"])
    assert config["linux"]["resources"]["devices"] == [{"allow": True, "access": "rwm"}]
    assert not any("ro" in mount.get("options", ()) for mount in config["mounts"])
