# SPDX-License-Identifier: Apache-2.0
"""Controllers that do not reach the container's cgroup are named; what a user was handed is that user's to hand on."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import processes
from support.processes import Pipe
from support.runtime import Runtime
from vm.cgroup_files import MOUNT_POINT, cgroup

FOREVER = "echo ready; exec sleep 1000"
Delegate = Callable[[str], Path]

LIMITS: dict[str, tuple[dict[str, Any], str, str]] = {
    "memory": (
        {"/linux/resources/memory": {"limit": 64 << 20}},
        "/linux/resources/memory/limit",
        "memory limit",
    ),
    "cpu": ({"/linux/resources/cpu": {"quota": 20_000}}, "/linux/resources/cpu/quota", "cpu quota"),
    "pids": ({"/linux/resources/pids": {"limit": 20}}, "/linux/resources/pids/limit", "pids limit"),
    "io": (
        {"/linux/resources/blockIO": {"weight": 200}},
        "/linux/resources/blockIO/weight",
        "block IO weight",
    ),
    "cpuset": ({"/linux/resources/cpu": {"cpus": "0"}}, "/linux/resources/cpu/cpus", "cpu set"),
}
"""By controller: a change that needs it, its place, and what the limit is called."""


@pytest.fixture
def inhabited(cgroup_parent: str) -> Iterator[str]:
    """A cgroup with a process in it, which therefore can hand no controller down (cgroups(7))."""
    path = f"{cgroup_parent}-inhabited"
    folder = MOUNT_POINT / path.lstrip("/")
    folder.mkdir()
    inhabitant = processes.popen(["sleep", "1000"], stdout=subprocess.DEVNULL)
    (folder / "cgroup.procs").write_text(str(inhabitant.pid))
    yield path
    inhabitant.kill()
    processes.forget(inhabitant)
    folder.rmdir()


@pytest.mark.core
@pytest.mark.parametrize("controller", ["memory", "io", "pids", "cpuset"])
def test_a_parent_with_processes_is_named_as_the_reason(
    runtime: Runtime, bundle: MakeBundle, inhabited: str, controller: str
) -> None:
    """So are the threaded ones: they could be handed down, but no process would get into the cgroup below."""
    changes, pointer, limit = LIMITS[controller]
    result = runtime.run(bundle("true", {**changes, "/linux/cgroupsPath": f"{inhabited}/x"}))
    assert result.code == 1
    message, hint = result.err.splitlines()
    where = f'config.json {pointer}: {limit} needs the cgroup controller "{controller}"'
    assert message.startswith(f"{where}, which is not delegated here: "), message
    assert f'"{MOUNT_POINT}{inhabited}"' in hint
    assert "move them to a cgroup below" in hint


def test_a_container_without_limits_can_live_there(
    runtime: Runtime, bundle: MakeBundle, inhabited: str
) -> None:
    assert runtime.output(bundle("echo through", {"/linux/cgroupsPath": f"{inhabited}/x"})) == "through\n"


@pytest.mark.core
@pytest.mark.parametrize("controller", ["memory", "cpu", "io", "cpuset"])
def test_a_controller_that_was_not_handed_to_the_user_is_named(
    rootless: Runtime, own_bundle: MakeBundle, delegated: Delegate, controller: str
) -> None:
    delegated("pids")
    changes, pointer, limit = LIMITS[controller]
    result = rootless.run(own_bundle("true", changes))
    assert result.code == 1
    message, hint = result.err.splitlines()
    where = f'config.json {pointer}: {limit} needs the cgroup controller "{controller}"'
    assert message.startswith(f"{where}, which is not delegated here: "), message
    assert f"Delegate={controller}" in hint


@pytest.mark.core
def test_a_user_limits_a_container_by_what_was_handed_over(
    rootless: Runtime, own_bundle: MakeBundle, delegated: Delegate, pipe: Pipe
) -> None:
    top = delegated("cpu io memory pids")
    changes = LIMITS["memory"][0] | LIMITS["cpu"][0] | LIMITS["pids"][0] | LIMITS["io"][0]
    config = own_bundle(FOREVER, changes)
    container = rootless.start(config, stdout=pipe)
    pipe.readline()
    own = top / f"estiba-{config.id}"
    names = ("memory.max", "cpu.max", "pids.max", "io.weight", "cgroup.procs")
    files = [(own / name).read_text().strip() for name in names]
    rootless.must("pause", container.id)
    rootless.must("resume", container.id)
    rootless.must("update", container.id, "--pids-limit", "5")
    updated = (own / "pids.max").read_text()
    container.delete()
    assert files == [str(64 << 20), "20000 100000", "20", "default 1920", str(container.pid)]
    assert updated == "5\n"
    assert not own.exists()


def test_a_users_limit_bites(rootless: Runtime, own_bundle: MakeBundle, delegated: Delegate) -> None:
    delegated("memory")
    limit = {"/linux/resources/memory": {"limit": 16 << 20, "swap": 16 << 20}}
    assert rootless.run(own_bundle("exec tail /dev/zero", limit)).code == 128 + 9


def test_without_a_cgroup_of_ones_own_only_who_asks_for_a_limit_fails(
    rootless: Runtime, own_bundle: MakeBundle
) -> None:
    assert rootless.output(own_bundle("echo through")) == "through\n"
    changes, pointer, limit = LIMITS["memory"]
    result = rootless.run(own_bundle("true", changes))
    message, hint = result.err.splitlines()
    where = f'config.json {pointer}: {limit} needs the cgroup controller "memory", which is out of reach: '
    assert (result.code, message.startswith(where)) == (1, True), str(result)
    assert "systemd-run --user --scope" in hint


def test_root_gets_every_controller_of_the_host(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    has = (cgroup(container) / "cgroup.controllers").read_text().split()
    container.delete()
    assert set(has) >= {"cpu", "cpuset", "hugetlb", "io", "memory", "pids"}
