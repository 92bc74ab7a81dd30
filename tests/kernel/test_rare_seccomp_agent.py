# SPDX-License-Identifier: Apache-2.0
"""SCMP_ACT_NOTIFY: the agent gets the listener and decides, whatever the profile asks it about."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOTLESS_UID, MakeBundle
from support.processes import Pipe
from support.runtime import Runtime
from support.seccomp_agent import Agent

MKDIR, MKDIRAT, EXECVE, CAPSET = 83, 258, 59, 126
MARK = "Cannot assign requested address"  # EADDRNOTAVAIL, which no mkdir gives by itself
REFUSED = {MKDIR: 99, MKDIRAT: 99}
READY = "echo ready; exec sleep 1000"

pytestmark = pytest.mark.estiba_only


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    """An agent that refuses to make folders."""
    made = Agent(folder / "agent", REFUSED)
    yield made
    made.close()


def asks(*names: str, path: Path, **more: Any) -> dict[str, Any]:
    """A change that has the agent at `path` asked about system calls."""
    rule = {"names": list(names), "action": "SCMP_ACT_NOTIFY"}
    return {
        "/linux/seccomp": {
            "defaultAction": "SCMP_ACT_ALLOW",
            "architectures": ["SCMP_ARCH_X86_64"],
            "listenerPath": str(path),
            "syscalls": [rule],
            **more,
        }
    }


@pytest.mark.parametrize("privileges", [True, False])
def test_the_agent_decides_in_run(
    runtime: Runtime, bundle: MakeBundle, agent: Agent, privileges: bool
) -> None:
    changes = {**asks("mkdir", "mkdirat", path=agent.path), "/process/noNewPrivileges": privileges}
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err


def test_the_agent_is_told_which_process_of_which_container(
    runtime: Runtime, bundle: MakeBundle, agent: Agent, pipe: Pipe
) -> None:
    changes = asks("mkdir", path=agent.path, listenerMetadata="for you")
    config = bundle(READY, {**changes, "/annotations": {"key": "value"}})
    container = runtime.start(config, stdout=pipe)
    pipe.readline()
    state = agent.state()
    container.delete()
    inner = state.pop("state")
    assert state == {
        "ociVersion": config.config["ociVersion"],
        "fds": ["seccompFd"],
        "pid": container.pid,
        "metadata": "for you",
    }
    assert (inner["id"], inner["pid"], inner["status"]) == (container.id, container.pid, "created")
    assert (inner["bundle"], inner["annotations"]) == (str(config.path), {"key": "value"})


def test_a_process_of_exec_has_a_listener_of_its_own(
    runtime: Runtime, bundle: MakeBundle, agent: Agent, pipe: Pipe
) -> None:
    container = runtime.start(bundle(READY, asks("mkdir", "mkdirat", path=agent.path)), stdout=pipe)
    pipe.readline()
    first = agent.state()
    result = container.exec("mkdir", "/tmp/x")
    second = agent.state()
    container.delete()
    assert MARK in result.err
    assert (second["state"]["status"], second["state"]["pid"]) == ("running", container.pid)
    assert first["pid"] != second["pid"]


# What init itself may still call, and what a sender of descriptors would.
LATE = (
    "execve",
    "execveat",
    "capset",
    "prctl",
    "sendmsg",
    "sendto",
    "write",
    "read",
    "close",
    "fcntl",
    "exit_group",
    "dup",
    "dup3",
    "futex",
    "sched_yield",
    "nanosleep",
    "mmap",
    "munmap",
    "rt_sigprocmask",
    "connect",
    "socket",
)


@pytest.mark.parametrize("privileges", [True, False])
@pytest.mark.parametrize("way", ["run", "start", "exec"])
def test_a_profile_that_asks_about_everything_starts_all_the_same(
    runtime: Runtime, bundle: MakeBundle, agent: Agent, pipe: Pipe, privileges: bool, way: str
) -> None:
    changes = {**asks(*LATE, path=agent.path), "/process/noNewPrivileges": privileges}
    if way == "run":
        assert runtime.output(bundle("echo through", changes)) == "through\n"
    else:
        container = runtime.start(bundle(READY, changes), stdout=pipe)
        assert pipe.readline() == "ready"
        if way == "exec":
            assert container.exec("echo", "through").out == "through\n"
        container.delete()
    assert EXECVE in agent.asked
    assert (CAPSET in agent.asked) is not privileges


def test_the_listener_does_not_stay_with_the_program(
    runtime: Runtime, bundle: MakeBundle, agent: Agent
) -> None:
    config = bundle("ls /proc/self/fd", asks("mkdir", path=agent.path))
    assert runtime.output(config).split() == ["0", "1", "2", "3"]  # 3 is the folder that ls reads


def test_preserved_descriptors_are_where_they_belong(
    runtime: Runtime, bundle: MakeBundle, agent: Agent, folder: Path
) -> None:
    config = bundle("cat <&3; cat <&9; ls /proc/self/fd", asks("mkdir", path=agent.path))
    for name in ("first", "last"):
        (folder / name).write_text(f"{name}\n")
    # The runtime's own descriptors 3 to 9, put in place by a shell.
    source = " ".join(f"{fd}<{folder}/first" for fd in range(3, 9)) + f" 9<{folder}/last"
    runtime.words = ["sh", "-c", f'exec "$@" {source}', "sh", *runtime.words]
    result = runtime.run(config, "--preserve-fds", "7")
    assert result.out.split() == ["first", "last", *map(str, sorted(range(11), key=str))], str(result)


def test_without_its_agent_a_container_stays_created(
    runtime: Runtime, bundle: MakeBundle, folder: Path, pipe: Pipe
) -> None:
    path = folder / "agent"
    container = runtime.create(bundle(READY, asks("mkdir", path=path)), stdout=pipe)
    refused = runtime.call("start", container.id)
    assert refused.code != 0
    assert (
        "config.json /linux/seccomp/listenerPath: cannot connect to the seccomp agent's socket" in refused.err
    )
    assert container.status() == "created"
    late = Agent(path, {})
    container.start()
    assert pipe.readline() == "ready"
    container.delete()
    late.close()


def test_run_without_its_agent_leaves_nothing(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    config = bundle("true", asks("mkdir", path=folder / "nobody"))
    result = runtime.run(config)
    assert result.code != 0
    assert "absent (ENOENT)" in result.err
    assert runtime.call("state", config.id).code != 0


def test_a_profile_that_asks_nobody_needs_no_agent(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    changes = asks(path=folder / "nobody", syscalls=[{"names": ["mkdir"], "action": "SCMP_ACT_ALLOW"}])
    assert runtime.output(bundle("echo through", changes)) == "through\n"


def test_in_a_user_namespace(runtime: Runtime, bundle: MakeBundle, agent: Agent) -> None:
    range_ = [{"containerID": 0, "hostID": 100000, "size": 65536}]
    changes = {
        **asks("mkdir", "mkdirat", path=agent.path),
        "/linux/namespaces/-": {"type": "user"},
        "/linux/uidMappings": range_,
        "/linux/gidMappings": range_,
        "/process/user": {"uid": 7, "gid": 7},
    }
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err


def test_rootless(
    rootless: Runtime, bundle: MakeBundle, rootless_config: dict[str, Any], agent: Agent
) -> None:
    config = bundle(["mkdir", "/tmp/x"], asks("mkdir", "mkdirat", path=agent.path), base=rootless_config)
    config.own_by(ROOTLESS_UID)
    os.chown(agent.path, ROOTLESS_UID, ROOTLESS_UID)
    result = rootless.run(config)
    assert MARK in result.err, str(result)


@pytest.mark.views("hybrid")
def test_nobody_waits_for_a_start_that_died(
    runtime: Runtime, bundle: MakeBundle, folder: Path, pipe: Pipe
) -> None:
    container = runtime.create(bundle(READY, asks("mkdir", path=folder / "nobody")), stdout=pipe)
    # What start does, but for taking the listener: as if it had been killed right then.
    outcome = os.open(runtime.root / container.id / "outcome", os.O_RDONLY | os.O_NONBLOCK)
    gate = os.open(runtime.root / container.id / "gate", os.O_WRONLY | os.O_NONBLOCK)
    os.write(gate, b"s")
    os.close(gate)
    code = container.wait(120)
    os.close(outcome)
    container.delete()
    assert code == 128 + 4  # SIGILL: it may make no system call, not even one that ends it
