# SPDX-License-Identifier: Apache-2.0
"""Memory on v2: the limit bites, the kill is told of, swap is counted, and a container cannot lift its own limit."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from conftest import MakeBundle
from estiba import Container as LibraryContainer
from support.processes import Pipe
from support.runtime import Runtime
from vm.cgroup_files import numbers, text

MIB = 1 << 20
FOREVER = "echo ready; exec sleep 1000"
HUNGRY = "exec tail /dev/zero"

FILL = "dd if=/dev/zero of=/dev/shm/file bs=1M count=40 2>/dev/null && echo all of it; echo ready; exec sleep 1000"
"""40 MiB of a tmpfs, whose pages the kernel can swap out and nobody else gives up."""


def limited(limit: int, **more: Any) -> dict[str, Any]:
    """A change that limits memory, MiB; without swap unless `more` says otherwise."""
    return {"/linux/resources/memory": {"limit": limit * MIB, "swap": limit * MIB, **more}}


@pytest.mark.core
def test_init_over_the_limit_is_killed_and_the_kill_is_counted(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(HUNGRY, limited(16)))
    code = container.wait()
    events = numbers(container, "memory.events")
    container.delete()
    assert code == 128 + 9
    assert (events["oom_kill"], events["max"] > 0) == (1, True)


def test_run_exits_as_one_that_was_killed(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.run(bundle(HUNGRY, limited(16))).code == 128 + 9


def test_who_is_killed_beside_init_leaves_the_container_running(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle("tail /dev/zero; echo $?; exec sleep 1000", limited(16)), stdout=pipe)
    assert pipe.readline() == str(128 + 9)
    assert container.status() == "running"
    assert numbers(container, "memory.events")["oom_kill"] == 1
    container.delete()


def test_a_group_that_is_killed_as_one_takes_init_along(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = limited(16) | {"/linux/resources/unified": {"memory.oom.group": "1"}}
    container = runtime.start(bundle("tail /dev/zero; exec sleep 1000", changes))
    code = container.wait()
    killed = numbers(container, "memory.events")["oom_group_kill"]
    container.delete()
    assert (code, killed) == (128 + 9, 1)


@pytest.mark.core
def test_events_tells_of_the_kill(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    reader, writer = os.pipe()
    container = runtime.start(bundle("read line; tail /dev/zero; exec sleep 1000", limited(16)), stdin=reader)
    events = runtime.spawn("events", "--interval", "50ms", container.id, stdout=pipe)
    assert json.loads(pipe.readline())["type"] == "stats"
    os.write(writer, b"\n")
    os.close(reader)
    os.close(writer)
    kinds = iter(lambda: json.loads(pipe.readline(60))["type"], "oom")
    assert set(kinds) <= {"stats"}
    container.delete()
    events.finish()


def test_the_library_tells_of_the_kill(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(HUNGRY, limited(16))
    with LibraryContainer.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        kinds = [event.kind for event in container.events(interval=0.05)]
        assert container.wait(timeout=60) == 128 + 9
    assert kinds.count("oom") == 1


def test_the_reservation_and_the_limit_are_as_asked(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER, limited(32, reservation=8 * MIB)))
    files = [text(container, name) for name in ("memory.max", "memory.low", "memory.swap.max")]
    container.delete()
    assert files == [str(32 * MIB), str(8 * MIB), "0"]


@pytest.mark.usefixtures("swap")
def test_what_is_over_the_limit_is_swapped_where_swap_is_granted(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FILL, limited(24, swap=56 * MIB)), stdout=pipe)
    lines = [pipe.readline(60), pipe.readline()]
    swapped, limit = int(text(container, "memory.swap.current")), text(container, "memory.swap.max")
    container.delete()
    assert lines == ["all of it", "ready"]
    assert (limit, swapped > 8 * MIB) == (str(32 * MIB), True)


@pytest.mark.usefixtures("swap")
def test_without_swap_granted_nothing_is_swapped(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FILL, limited(24)), stdout=pipe)
    line = pipe.readline(60)
    swapped, kills = text(container, "memory.swap.current"), numbers(container, "memory.events")["oom_kill"]
    container.delete()
    assert (line, swapped, kills) == ("ready", "0", 1)


@pytest.mark.usefixtures("swap")
def test_more_than_memory_and_swap_together_is_killed(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FILL, limited(16, swap=24 * MIB)), stdout=pipe)
    line, kills = pipe.readline(60), numbers(container, "memory.events")["oom_kill"]
    container.delete()
    assert (line, kills) == ("ready", 1)


def test_a_container_cannot_lift_its_own_limit(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = limited(32) | {"/mounts/6/options": ["rw"]}
    for name in ("bounding", "effective", "permitted"):
        changes[f"/process/capabilities/{name}"] = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
    script = "cd /sys/fs/cgroup; mkdir own && echo made; echo max > memory.max || cat memory.max; rmdir own"
    assert runtime.output(bundle(script, changes)).split() == ["made", str(32 * MIB)]


@pytest.mark.core
def test_update_raises_the_limit_of_a_running_container(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    fill = "dd if=/dev/zero of=/dev/shm/file bs=1M count=40 2>/dev/null; echo $?"
    container = runtime.start(bundle(FOREVER, limited(16)), stdout=pipe)
    pipe.readline()
    assert container.exec("sh", "-c", fill).out == f"{128 + 9}\n"
    runtime.must("update", container.id, "--memory", "64m", "--memory-swap", "64m")
    assert container.exec("sh", "-c", fill).out == "0\n"
    assert text(container, "memory.max") == str(64 * MIB)
    container.delete()


def test_an_update_below_what_is_used_kills(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FILL, limited(64)), stdout=pipe)
    assert [pipe.readline(60), pipe.readline()] == ["all of it", "ready"]
    runtime.must("update", container.id, "--memory", "16m", "--memory-swap", "16m")
    assert container.wait(60) == 128 + 9
    container.delete()


def test_an_update_that_is_to_be_checked_first_is_refused(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FILL, limited(64)), stdout=pipe)
    assert [pipe.readline(60), pipe.readline()] == ["all of it", "ready"]
    reader, writer = os.pipe()
    os.write(writer, json.dumps({"memory": {"limit": 16 * MIB, "checkBeforeUpdate": True}}).encode())
    os.close(writer)
    refused = runtime.call("update", "--resources=-", container.id, stdin=reader)
    os.close(reader)
    status, limit = container.status(), text(container, "memory.max")
    container.delete()
    assert (refused.code, status, limit) == (1, "running", str(64 * MIB))
    assert f"a memory limit of {16 * MIB} is below the" in refused.err


def test_high_memory_is_throttled_not_killed(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    changes = limited(64) | {"/linux/resources/unified": {"memory.high": str(16 * MIB)}}
    script = FILL.replace("count=40", "count=17")
    container = runtime.start(bundle(script, changes), stdout=pipe)
    lines = [pipe.readline(60), pipe.readline(60)]
    events = numbers(container, "memory.events")
    container.delete()
    assert lines == ["all of it", "ready"]
    assert (events["high"] > 0, events["oom_kill"]) == (True, 0)
