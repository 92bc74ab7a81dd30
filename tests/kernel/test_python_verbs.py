# SPDX-License-Identifier: Apache-2.0
"""list, ps, events and update on real containers."""

from __future__ import annotations

import json
import os
import socket

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Runtime

pytestmark = pytest.mark.estiba_only

FOREVER = "sleep 1000"
MIB = 1 << 20


def test_list_as_json_has_what_callers_read(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    [row] = json.loads(runtime.must("list", "--format=json").out)
    container.delete()
    assert (row["id"], row["pid"], row["status"]) == (container.id, container.pid, "created")
    assert (row["bundle"], row["owner"]) == (str(container.bundle.path), "root")


def test_list_as_table_has_a_line_for_each(runtime: Runtime, bundle: MakeBundle) -> None:
    containers = [runtime.create(bundle(FOREVER)) for _ in range(2)]
    title, *lines = runtime.must("list").out.splitlines()
    for container in containers:
        container.delete()
    assert title.split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert sorted(line.split()[:3] for line in lines) == sorted(
        [c.id, str(c.pid), "created"] for c in containers
    )


def test_list_quiet_prints_ids_alone(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    listed = runtime.must("list", "--quiet").out
    container.delete()
    assert listed == f"{container.id}\n"


def test_ps_as_json_lists_every_process(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle("sleep 1000 & echo ready; wait"), stdout=pipe)
    pipe.readline()
    pids = json.loads(runtime.must("ps", "--format", "json", container.id).out)
    container.delete()
    assert len(pids) == 2
    assert container.pid in pids


@pytest.mark.requires("command:ps")
def test_ps_as_table_hands_its_arguments_to_ps(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    result = runtime.must("ps", container.id, "-eo", "pid,args")
    container.delete()
    title, line = result.out.splitlines()
    assert (title.split(), line.split(), result.err) == (
        ["PID", "COMMAND"],
        [str(container.pid), "sleep", "1000"],
        "",
    )


@pytest.mark.requires("pids")
def test_events_stats_prints_the_counters_once(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER, {"/linux/resources/pids": {"limit": 17}}))
    event = json.loads(runtime.must("events", "--stats", container.id).out)
    container.delete()
    assert (event["type"], event["id"]) == ("stats", container.id)
    assert event["data"]["pids"] == {"current": 1, "limit": 17}


def test_events_ends_with_the_container(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FOREVER))
    events = runtime.spawn("events", "--interval", "50ms", container.id, stdout=pipe)
    assert json.loads(pipe.readline())["type"] == "stats"
    container.kill("KILL")
    assert events.finish().code == 0
    container.delete()


@pytest.mark.requires("memory")
def test_events_tells_of_a_kill_for_want_of_memory(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    hungry = "read line; tail /dev/zero; sleep 1000"
    config = bundle(hungry, {"/linux/resources/memory": {"limit": 16 * MIB, "swap": 16 * MIB}})
    reader, writer = os.pipe()
    container = runtime.start(config, stdin=reader)
    events = runtime.spawn("events", "--interval", "50ms", container.id, stdout=pipe)
    pipe.readline()
    os.write(writer, b"\n")
    os.close(reader)
    os.close(writer)
    kinds = iter(lambda: json.loads(pipe.readline())["type"], "oom")
    assert set(kinds) <= {"stats"}
    container.delete()
    events.finish()


@pytest.mark.requires("memory")
def test_update_changes_a_limit_by_option(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER, {"/linux/resources/memory": {"limit": 32 * MIB}}))
    runtime.must("update", container.id, "--memory", "64m")
    stats = json.loads(runtime.must("events", "--stats", container.id).out)
    container.delete()
    assert stats["data"]["memory"]["usage"]["limit"] == 64 * MIB


@pytest.mark.requires("memory")
@pytest.mark.views("hybrid")
def test_update_changes_memory_and_swap_each_by_itself(runtime: Runtime, bundle: MakeBundle) -> None:
    """What is not named stays; where both do not fit together, the message has both."""
    limits = {"limit": 32 * MIB, "swap": 64 * MIB}
    container = runtime.start(bundle(FOREVER, {"/linux/resources/memory": limits}))
    runtime.must("update", container.id, "--memory-swap", "96m")
    stats = json.loads(runtime.must("events", "--stats", container.id).out)["data"]["memory"]
    result = runtime.call("update", container.id, "--memory", "128m")
    container.delete()
    assert (stats["usage"]["limit"], stats["swap"]["limit"]) == (32 * MIB, 96 * MIB)
    assert result.err.startswith("resources /memory/limit: cannot write "), result.err
    assert result.err.endswith(f"together: now {32 * MIB} and {96 * MIB}\n"), result.err


@pytest.mark.requires("pids")
def test_update_takes_resources_from_standard_input(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    reader, writer = os.pipe()
    os.write(writer, b'{"pids": {"limit": 23}}')
    os.close(writer)
    runtime.must("update", "--resources=-", container.id, stdin=reader)
    os.close(reader)
    stats = json.loads(runtime.must("events", "--stats", container.id).out)
    container.delete()
    assert stats["data"]["pids"]["limit"] == 23


def test_update_refuses_what_is_no_resources_object(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    reader, writer = os.pipe()
    os.write(writer, b'{"memory": {"limit": "64m"}}')
    os.close(writer)
    result = runtime.call("update", "--resources", "-", container.id, stdin=reader)
    os.close(reader)
    container.delete()
    assert result.code == 1
    assert result.err.startswith("resources /memory/limit: ")


def test_state_and_ps_write_nothing_to_stderr(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    errors = [
        runtime.must(*line).err for line in (["state", container.id], ["ps", "--format=json", container.id])
    ]
    container.delete()
    assert errors == ["", ""]


def test_pidfd_socket_receives_the_process(runtime: Runtime, bundle: MakeBundle) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path = runtime.folder / "pidfd"
        listener.bind(str(path))
        listener.listen()
        container = runtime.create(bundle(FOREVER), "--pidfd-socket", str(path))
        connection, _ = listener.accept()
        with connection:
            _, [pidfd], _, _ = socket.recv_fds(connection, 16, 1)
    with open(f"/proc/self/fdinfo/{pidfd}", encoding="ascii") as info:
        assert f"Pid:\t{container.pid}\n" in info.read()
    os.close(pidfd)
    container.delete()
