# SPDX-License-Identifier: Apache-2.0
"""pause and resume: the freezer of each cgroup layout."""

from __future__ import annotations

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Runtime

# Answers each line of stdin; a frozen one does not.
ECHO = "echo ready; while read line; do echo $line; done"


@pytest.mark.core
def test_pause_and_resume_change_the_status(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000"))
    runtime.must("pause", container.id)
    assert container.status() == "paused"
    runtime.must("resume", container.id)
    assert container.status() == "running"
    container.delete()


def test_a_paused_container_stands_still_until_resume(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    to_container = Pipe()
    container = runtime.start(bundle(ECHO), stdin=to_container.reader, stdout=pipe)
    assert pipe.readline() == "ready"
    runtime.must("pause", container.id)
    with open(to_container.writer, "w", closefd=False) as speak:
        speak.write("word\n")
    freezer = runtime.view.cgroup("freezer", container.bundle.cgroup)
    v1, v2 = freezer / "freezer.state", freezer / "cgroup.events"
    assert v1.read_text() == "FROZEN\n" if v1.exists() else "frozen 1" in v2.read_text()
    runtime.must("resume", container.id)
    assert pipe.readline() == "word"
    to_container.close()
    container.delete()


def test_pause_refuses_a_stopped_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    assert runtime.call("pause", container.id).code != 0
    container.delete()


def test_resume_refuses_a_running_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000"))
    assert runtime.call("resume", container.id).code != 0
    container.delete()


def test_pause_of_a_created_container_holds(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle("sleep 1000"))
    runtime.must("pause", container.id)
    assert container.status() == "paused"
    runtime.must("resume", container.id)
    assert container.status() == "created"
    container.delete()


@pytest.mark.core
def test_delete_force_ends_a_paused_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000"))
    runtime.must("pause", container.id)
    runtime.must("delete", "--force", container.id)
    assert container.wait() == 128 + 9


def test_kill_reaches_a_paused_container_at_the_latest_on_resume(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    container = runtime.start(bundle("sleep 1000"))
    runtime.must("pause", container.id)
    container.kill("KILL")
    runtime.call("resume", container.id)  # refused if the kill has thawed it
    assert container.wait() == 128 + 9
    container.delete()
