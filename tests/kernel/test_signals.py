# SPDX-License-Identifier: Apache-2.0
"""`run` in the foreground: signals go to the container, its end is the runtime's end."""

from __future__ import annotations

import signal

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Runtime

TRAP = "trap 'echo got {0}; exit 5' {0}; echo ready; while :; do sleep 1000 & wait; done"


@pytest.mark.core
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"])
def test_run_forwards_a_signal(runtime: Runtime, bundle: MakeBundle, pipe: Pipe, name: str) -> None:
    config = bundle(TRAP.format(name))
    running = runtime.spawn("run", "--bundle", str(config.path), config.id, stdout=pipe)
    assert pipe.readline() == "ready"
    running.process.send_signal(signal.Signals[f"SIG{name}"])
    assert pipe.readline() == f"got {name}"
    assert running.finish().code == 5


@pytest.mark.not_on("runc", "1.1.5 sometimes misses the end of the process")
def test_exec_forwards_a_signal(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle("sleep 1000"))
    running = runtime.spawn("exec", container.id, "sh", "-c", TRAP.format("TERM"), stdout=pipe)
    assert pipe.readline() == "ready"
    running.process.send_signal(signal.SIGTERM)
    assert pipe.readline() == "got TERM"
    assert running.finish().code == 5
    container.delete()


def test_run_leaves_nothing_when_the_container_is_killed_from_outside(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    config = bundle("echo ready; exec sleep 1000")
    running = runtime.spawn("run", "--bundle", str(config.path), config.id, stdout=pipe)
    pipe.readline()
    runtime.must("kill", config.id, "KILL")
    assert running.finish().code == 128 + 9


@pytest.mark.core
def test_run_is_content_when_another_verb_deletes_the_container(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    config = bundle("echo ready; exec sleep 1000")
    running = runtime.spawn("run", "--bundle", str(config.path), config.id, stdout=pipe)
    assert pipe.readline() == "ready"
    runtime.must("delete", "--force", config.id)
    result = running.finish()
    assert (result.code, result.err) == (128 + 9, "")


@pytest.mark.estiba_only
def test_a_container_whose_runtime_was_killed_is_deleted_cleanly(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    config = bundle("echo ready; exec sleep 1000")
    running = runtime.spawn("run", "--bundle", str(config.path), config.id, stdout=pipe)
    pipe.readline()
    running.process.kill()
    assert running.finish().code == 128 + 9
    runtime.must("delete", "--force", config.id)
