# SPDX-License-Identifier: Apache-2.0
"""A record names one process: by the inode of its pidfd where the state root is in memory, else by its start."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from conftest import MakeBundle
from support import processes, views
from support.programs import WAITS, X86_64, elf, put
from support.runtime import Container, Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

TWO_THREADS = bytes.fromhex("b838000000 bf000f0500 0f05 85c0 7409 b83c000000 31ff 0f05") + WAITS
"""The first thread makes a second, which waits, and ends (x86-64)."""


@pytest.fixture
def on_disk(runtime: Runtime) -> Iterator[Runtime]:
    """A runtime whose state root lies on a disk."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        runtime.root = Path(folder) / "state"
        yield runtime


@pytest.fixture(params=["memory", "disk"])
def rooted(request: pytest.FixtureRequest, runtime: Runtime) -> Runtime:
    """A runtime whose state root lies in memory or on a disk."""
    return cast("Runtime", request.getfixturevalue("on_disk")) if request.param == "disk" else runtime


@pytest.fixture
def other() -> Iterator[int]:
    """A process that has nothing to do with the container, and began in an earlier tick of the clock than what follows."""
    made = processes.popen(["sleep", "1000"])
    while int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")) <= start_of(made.pid):
        pass  # ten milliseconds at most
    yield made.pid
    made.kill()
    made.wait()


def start_of(pid: int) -> int:
    """When a process began, in ticks since boot (proc_pid_stat(5), field 22)."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])


def record(runtime: Runtime, container: Container) -> dict[str, object]:
    """The container's record."""
    found: dict[str, object] = json.loads((runtime.root / container.id / "state.json").read_text())
    return found


def give_number_to(runtime: Runtime, container: Container, pid: int) -> None:
    """Let the record name another bearer of init's number, as when the kernel has given it out again.

    Where the inode tells them apart, the start does not.
    """
    changed = record(runtime, container) | {"pid": pid}
    if "pidfdInode" in changed:
        changed["startTime"] = start_of(pid)
    (runtime.root / container.id / "state.json").write_text(json.dumps(changed))


def ended(runtime: Runtime, bundle: MakeBundle) -> Container:
    """A container whose program has ended."""
    container = runtime.start(bundle("true"))
    container.wait()
    return container


@pytest.mark.requires("pidfs")
def test_a_record_in_memory_has_the_inode_of_inits_pidfd(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle("true"))
    pidfd = os.pidfd_open(container.pid)
    assert record(runtime, container)["pidfdInode"] == os.fstat(pidfd).st_ino
    os.close(pidfd)
    container.delete()


@pytest.mark.requires("pidfs")
@pytest.mark.parametrize("kind", ["pid", "user"])
def test_so_has_one_whose_init_is_born_in_joined_namespaces(
    runtime: Runtime, bundle: MakeBundle, kind: str
) -> None:
    with processes.holder(f"--{kind}", uid_map="0 0 4294967295" if kind == "user" else None) as pid:
        config = bundle("true")
        joined = {"type": kind, "path": f"/proc/{pid}/ns/{'pid_for_children' if kind == 'pid' else kind}"}
        others = [n for n in config.config["linux"]["namespaces"] if n["type"] != kind]
        config.change("/linux/namespaces", [*others, joined])
        container = runtime.create(config)
        pidfd = os.pidfd_open(container.pid)
        assert record(runtime, container)["pidfdInode"] == os.fstat(pidfd).st_ino
        os.close(pidfd)
        container.delete()


def test_a_record_that_may_outlive_the_hosts_run_has_none(on_disk: Runtime, bundle: MakeBundle) -> None:
    container = on_disk.create(bundle("true"))
    assert "pidfdInode" not in record(on_disk, container)
    container.delete()


def test_a_process_with_inits_number_is_not_init(rooted: Runtime, bundle: MakeBundle, other: int) -> None:
    container = ended(rooted, bundle)
    give_number_to(rooted, container, other)
    assert container.status() == "stopped"
    assert rooted.call("kill", container.id, "KILL").code == 1
    rooted.must("delete", "--force", container.id)
    assert not processes.is_zombie(other)


def test_a_thread_with_inits_number_is_not_init(rooted: Runtime, bundle: MakeBundle) -> None:
    container = ended(rooted, bundle)
    numbers: list[int] = []
    began, done = threading.Event(), threading.Event()

    def stay() -> None:
        numbers.append(threading.get_native_id())
        began.set()
        done.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    began.wait()
    try:
        give_number_to(rooted, container, numbers[0])
        assert container.status() == "stopped"
        rooted.must("delete", container.id)
    finally:
        done.set()
        thread.join()


def test_a_program_whose_first_thread_has_ended_runs(rooted: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/threads"])
    put(config.rootfs / "threads", elf(X86_64, code=TWO_THREADS))
    container = rooted.start(config)
    # No descriptor tells it: the pidfd of a first thread cannot be read before all have ended (Linux 6.16).
    for _ in range(100_000):
        if processes.is_zombie(container.pid):
            break
        os.sched_yield()
    assert processes.is_zombie(container.pid)
    assert container.status() == "running"
    refused = container.exec("true")
    assert refused.code == 255
    assert "the first thread of the program has ended" in refused.err
    container.kill()
    container.wait()
    assert container.status() == "stopped"
    container.delete()
