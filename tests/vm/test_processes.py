# SPDX-License-Identifier: Apache-2.0
"""The processes of a cgroup on v2: how many there may be, all of them frozen, all of them killed."""

from __future__ import annotations

import json

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Runtime
from vm.cgroup_files import cgroup, numbers, text

FOREVER = "echo ready; exec sleep 1000"
OWN_GROUPS = {
    "/mounts/6/options": ["rw"],
    **{
        f"/process/capabilities/{set_}": ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE", "CAP_KILL"]
        for set_ in ("bounding", "effective", "permitted")
    },
}
"""With this the container may make cgroups below its own."""
NESTED = "mkdir /sys/fs/cgroup/own; sleep 1000 & echo $! > /sys/fs/cgroup/own/cgroup.procs; echo ready; exec sleep 1000"


@pytest.mark.core
def test_a_fork_over_the_limit_is_refused_and_counted(runtime: Runtime, bundle: MakeBundle) -> None:
    script = "sleep 1000 & sleep 1000 & sleep 1000 & sleep 1000 & echo forked"
    container = runtime.start(bundle(script, {"/linux/resources/pids": {"limit": 3}}))
    assert container.wait() != 0
    refused = numbers(container, "pids.events")["max"]
    said = container.err
    container.delete()
    assert refused > 0
    assert "can't fork" in said


def test_exec_counts_against_the_limit(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FOREVER, {"/linux/resources/pids": {"limit": 1}}), stdout=pipe)
    pipe.readline()
    refused = container.exec("true")
    runtime.must("update", container.id, "--pids-limit", "3")
    allowed = container.exec("true")
    container.delete()
    assert (refused.code != 0, allowed.code) == (True, 0)
    assert "EAGAIN" in refused.err


def test_update_to_no_limit_lifts_it(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FOREVER, {"/linux/resources/pids": {"limit": 2}}), stdout=pipe)
    pipe.readline()
    runtime.must("update", container.id, "--pids-limit", "-1")
    limit = text(container, "pids.max")
    forked = container.exec("sh", "-c", "sleep 1 & sleep 1 & sleep 1 & echo forked").out
    container.delete()
    assert (limit, forked) == ("max", "forked\n")


@pytest.mark.core
def test_pause_freezes_cgroups_below_the_containers(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(NESTED, OWN_GROUPS), stdout=pipe)
    pipe.readline()
    runtime.must("pause", container.id)
    frozen = [numbers(container, name)["frozen"] for name in ("cgroup.events", "own/cgroup.events")]
    runtime.must("resume", container.id)
    thawed = [numbers(container, name)["frozen"] for name in ("cgroup.events", "own/cgroup.events")]
    container.delete()
    assert (frozen, thawed) == ([1, 1], [0, 0])


def test_a_frozen_container_can_be_killed(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FOREVER), stdout=pipe)
    pipe.readline()
    runtime.must("pause", container.id)
    container.kill("KILL")
    assert container.wait() == 128 + 9
    container.delete()


def test_limits_of_a_frozen_container_can_be_changed(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FOREVER), stdout=pipe)
    pipe.readline()
    runtime.must("pause", container.id)
    runtime.must("update", container.id, "--pids-limit", "7", "--memory", "32m")
    files = [text(container, name) for name in ("pids.max", "memory.max")]
    assert container.status() == "paused"
    container.delete()
    assert files == ["7", str(32 << 20)]


@pytest.mark.core
def test_kill_all_reaches_every_process_of_every_cgroup_below(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    """Without a pid namespace, so that nobody dies because init does."""
    kinds = [{"type": kind} for kind in ("mount", "uts", "ipc", "cgroup", "network")]
    container = runtime.start(bundle(NESTED, {**OWN_GROUPS, "/linux/namespaces": kinds}), stdout=pipe)
    pipe.readline()
    assert numbers(container, "own/cgroup.events")["populated"] == 1
    runtime.must("kill", "--all", container.id, "KILL")
    assert container.wait() == 128 + 9
    assert pipe.readline() == ""  # the last holder of stdout is gone
    folder = cgroup(container)
    container.delete()
    assert not folder.exists()


def test_the_counters_are_those_of_the_cgroup(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    resources = {"memory": {"limit": 64 << 20}, "pids": {"limit": 9}, "cpu": {"quota": 50_000}}
    changes = {f"/linux/resources/{name}": value for name, value in resources.items()}
    container = runtime.start(bundle(FOREVER, changes), stdout=pipe)
    pipe.readline()
    data = json.loads(runtime.must("events", "--stats", container.id).out)["data"]
    container.delete()
    assert data["pids"] == {"current": 1, "limit": 9}
    assert data["memory"]["usage"]["limit"] == 64 << 20
    assert 0 < data["memory"]["usage"]["usage"] < 64 << 20
    assert data["cpu"]["usage"]["total"] > 0
    assert data["cpu"]["throttling"]["periods"] >= 0
