# SPDX-License-Identifier: Apache-2.0
"""Scheduler policy, I/O priority, CPUs of exec, execution domain, memory policy: as the kernel sees them."""

from __future__ import annotations

import ctypes
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support.processes import Pipe, status
from support.runtime import Container, Result, Runtime

READY = "echo ready; exec sleep 1000"
SCHED_DEADLINE = 6
SCHED_GETATTR = 315
IOPRIO_GET = 252
WHO_PROCESS = 1

pytestmark = pytest.mark.estiba_only


@pytest.fixture
def start(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> Iterator[Any]:
    """Start a container with changes that has come as far as its program; deleted after the test."""
    started: list[Container] = []

    def make(changes: dict[str, Any]) -> Container:
        started.append(runtime.start(bundle(READY, changes), stdout=pipe))
        assert pipe.readline() == "ready"
        return started[0]

    yield make
    for container in started:
        container.delete()


def scheduled(pid: int) -> dict[str, int]:
    """What sched_getattr(2) says."""
    attributes = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None).syscall(SCHED_GETATTR, pid, attributes, 48, 0) == 0
    _, policy, _, nice, priority, *times = struct.unpack("IIQiIQQQ", attributes.raw)
    common = {"policy": policy, "nice": nice, "priority": priority}
    return {**common, **dict(zip(("runtime", "deadline", "period"), times, strict=True))}


def has(pid: int, **values: int) -> bool:
    """Whether the process is scheduled like that."""
    seen = scheduled(pid)
    return {key: seen[key] for key in values} == values


def io_priority(pid: int) -> tuple[int, int]:
    """Class and level."""
    number = ctypes.CDLL(None, use_errno=True).syscall(IOPRIO_GET, WHO_PROCESS, pid)
    return number >> 13, number & 0x1FFF


def exec_process(container: Container, argv: list[str], **more: Any) -> Result:
    """Exec by a process file that is the container's own process with `more`."""
    process = {**container.bundle.config["process"], "args": argv, **more}
    path = container.bundle.path / "process.json"
    path.write_text(json.dumps(process))
    return container.runtime.call("exec", "--process", str(path), container.id)


def test_batch_with_a_nice_value(start: Any) -> None:
    container = start({"/process/scheduler": {"policy": "SCHED_BATCH", "nice": 7}})
    assert has(container.pid, policy=os.SCHED_BATCH, nice=7, priority=0)


def test_a_negative_nice_value(start: Any) -> None:
    container = start({"/process/scheduler": {"policy": "SCHED_OTHER", "nice": -5}})
    assert has(container.pid, policy=os.SCHED_OTHER, nice=-5)


def test_idle(start: Any) -> None:
    container = start({"/process/scheduler": {"policy": "SCHED_IDLE"}})
    assert has(container.pid, policy=os.SCHED_IDLE)


@pytest.mark.views("v2")  # a cgroup of v1 has no real-time share unless one is given to all above it
def test_fifo_with_a_priority_that_children_do_not_inherit(start: Any) -> None:
    asked = {"policy": "SCHED_FIFO", "priority": 10, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    container = start({"/process/scheduler": asked})
    assert has(container.pid, policy=os.SCHED_FIFO, nice=0, priority=10)
    assert os.sched_getscheduler(container.pid) == os.SCHED_FIFO | os.SCHED_RESET_ON_FORK


@pytest.mark.views("v2")
def test_deadline_with_its_times(start: Any) -> None:
    times = {"runtime": 1_000_000, "deadline": 10_000_000, "period": 20_000_000}
    asked = {"policy": "SCHED_DEADLINE", **times, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}
    container = start({"/process/scheduler": asked})
    assert has(container.pid, policy=SCHED_DEADLINE, **times)


@pytest.mark.views("hybrid")
def test_real_time_without_a_share_of_the_cgroup_is_refused_with_the_reason(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    asked = {"policy": "SCHED_RR", "priority": 1}
    result = runtime.run(bundle("true", {"/process/scheduler": asked}))
    assert result.code != 0
    assert (
        "config.json /process/scheduler: cannot set the scheduler policy: not allowed (EPERM)" in result.err
    )
    assert "linux.resources.cpu.realtimeRuntime" in result.err


def test_exec_takes_the_policy_of_its_process(start: Any) -> None:
    container = start({})
    result = exec_process(container, ["cat", "/proc/self/stat"], scheduler={"policy": "SCHED_IDLE"})
    assert result.out.rsplit(") ", 1)[1].split()[38] == str(os.SCHED_IDLE), str(result)


@pytest.mark.parametrize(
    ("name", "level", "seen"),
    [("IOPRIO_CLASS_BE", 7, (2, 7)), ("IOPRIO_CLASS_RT", 3, (1, 3)), ("IOPRIO_CLASS_IDLE", 0, (3, 0))],
)
def test_an_io_priority(start: Any, name: str, level: int, seen: tuple[int, int]) -> None:
    container = start({"/process/ioPriority": {"class": name, "priority": level}})
    assert io_priority(container.pid) == seen


def test_linux32_is_what_the_program_sees(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["uname", "-m"], {"/linux/personality": {"domain": "LINUX32"}})
    assert runtime.output(config) == "i686\n"


def test_linux32_is_what_exec_sees(start: Any) -> None:
    container = start({"/linux/personality": {"domain": "LINUX32"}})
    assert container.exec("uname", "-m").out == "i686\n"


def test_linux_is_the_ordinary_domain(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["uname", "-m"], {"/linux/personality": {"domain": "LINUX"}})
    assert runtime.output(config) == f"{os.uname().machine}\n"


def numa(container: Container) -> str:
    """The policy of the last mapping: the stack has none of its own, so it shows the process's."""
    return Path(f"/proc/{container.pid}/numa_maps").read_text().splitlines()[0].split()[1]


def test_a_memory_policy(start: Any) -> None:
    policy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
    assert numa(start({"/linux/memoryPolicy": policy})) == "bind=static:0"


def test_a_memory_policy_holds_for_exec(start: Any) -> None:
    container = start({"/linux/memoryPolicy": {"mode": "MPOL_INTERLEAVE", "nodes": "0"}})
    seen = container.exec("head", "-n1", "/proc/self/numa_maps").out
    assert seen.split()[1] == "interleave:0"


def test_a_node_that_is_absent_is_refused_with_the_reason(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/memoryPolicy": {"mode": "MPOL_BIND", "nodes": "1000"}}
    result = runtime.run(bundle("true", changes))
    assert "config.json /linux/memoryPolicy: cannot set the memory policy" in result.err
    assert "a node is absent" in result.err


@pytest.mark.parametrize("cpu", sorted(os.sched_getaffinity(0))[:2])
def test_exec_runs_on_its_final_cpus(start: Any, cpu: int) -> None:
    container = start({})
    affinity = {"initial": "0", "final": str(cpu)}
    result = exec_process(container, ["cat", "/proc/self/status"], execCPUAffinity=affinity)
    assert f"Cpus_allowed_list:\t{cpu}\n" in result.out, str(result)


@pytest.mark.views("v2")  # without a cpuset controller nothing changes what the process is born with
def test_exec_is_born_on_its_initial_cpus(start: Any) -> None:
    container = start({})
    last = max(os.sched_getaffinity(0))
    affinity = {"initial": str(last)}
    result = exec_process(container, ["cat", "/proc/self/status"], execCPUAffinity=affinity)
    assert f"Cpus_allowed_list:\t{last}\n" in result.out, str(result)


def test_init_keeps_the_cpus_that_it_has(start: Any) -> None:
    container = start({"/process/execCPUAffinity": {"initial": "0", "final": "0"}})
    assert status(container.pid)["Cpus_allowed_list"] == status("self")["Cpus_allowed_list"]


def test_exec_on_a_cpu_that_is_absent_is_refused_with_the_reason(start: Any) -> None:
    container = start({})
    result = exec_process(container, ["true"], execCPUAffinity={"final": "4000"})
    assert "process.json /execCPUAffinity/final: cannot set the CPU affinity" in result.err
    assert "none of these processors is online" in result.err
