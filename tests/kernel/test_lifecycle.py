# SPDX-License-Identifier: Apache-2.0
"""The verbs and the states: what each does, what it refuses, and what it exits with."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import processes
from support.processes import Pipe
from support.runtime import Runtime, signal_number

FOREVER = "sleep 1000"


@pytest.mark.core
def test_run_prints_what_the_program_prints(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("echo hello")) == "hello\n"


@pytest.mark.core
def test_run_exits_with_the_programs_code(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.run(bundle("exit 7")).code == 7


@pytest.mark.core
def test_run_exits_with_128_and_the_signal_that_killed_the_program(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    # In the container's pid namespace init is immune to its own signals, so init has to be the host's child.
    config = bundle(["/bin/sh", "-c", "kill -9 $$"])
    config.change(
        "/linux/namespaces", [n for n in config.config["linux"]["namespaces"] if n["type"] != "pid"]
    )
    assert runtime.run(config).code == 128 + 9


def test_run_passes_stdin_to_the_program(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    (folder / "input").write_text("from the caller\n")
    with (folder / "input").open("rb") as source:
        assert runtime.output(bundle("cat"), stdin=source) == "from the caller\n"


@pytest.mark.not_on("runc", "1.1.5 has no --keep")
def test_run_keeps_stdout_and_stderr_apart(runtime: Runtime, bundle: MakeBundle) -> None:
    result = runtime.run(bundle("echo out; echo err >&2"))
    assert (result.out, result.err) == ("out\n", "err\n")


def test_run_detached_leaves_a_running_container(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    runtime.must("run", "--detach", "--bundle", str(config.path), config.id)
    state = json.loads(runtime.must("state", config.id).out)
    assert state["status"] == "running"
    runtime.must("delete", "--force", config.id)


@pytest.mark.not_on("runc", "1.1.5 has no --keep")
def test_run_keep_leaves_a_stopped_container(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("exit 3")
    assert runtime.run(config, "--keep").code == 3
    assert json.loads(runtime.must("state", config.id).out)["status"] == "stopped"
    runtime.must("delete", config.id)


def test_the_bundle_is_the_working_directory_unless_named(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("echo here")
    result = runtime.call("run", config.id, cwd=config.path)
    assert (result.code, result.out) == (0, "here\n"), str(result)


def test_a_relative_bundle_is_found_from_the_working_directory(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("echo here")
    result = runtime.call("run", "--bundle", config.path.name, config.id, cwd=config.path.parent)
    assert (result.code, result.out) == (0, "here\n"), str(result)


@pytest.mark.core
def test_a_container_goes_from_created_over_running_to_stopped(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.create(bundle("echo started; sleep 1000"), stdout=pipe)
    assert container.status() == "created"
    container.start()
    assert pipe.readline() == "started"
    assert container.status() == "running"
    container.kill("KILL")
    assert container.wait() == 128 + 9
    assert container.status() == "stopped"
    container.delete()


def test_create_does_not_run_the_program(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle("echo started"))
    assert container.out == ""
    container.start()
    assert container.wait() == 0
    assert container.out == "started\n"
    container.delete()


def test_state_has_what_the_specification_asks_for(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER, {"/annotations": {"org.example.key": "value"}})
    container = runtime.create(config)
    state = container.state()
    container.delete()
    assert state["id"] == config.id
    assert state["pid"] == container.pid
    assert state["bundle"] == str(config.path)
    assert state["annotations"] == {"org.example.key": "value"}
    assert state["ociVersion"][0] == "1"


def test_state_of_a_stopped_container_has_no_living_pid(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    assert container.state().get("pid", 0) == 0
    container.delete()


def test_state_writes_nothing_to_stderr(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    assert runtime.must("state", container.id).err == ""
    container.delete()


def test_the_pid_file_has_digits_and_no_newline(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    text = (runtime.root.parent / f"pid.{container.id}").read_bytes()
    assert text == str(container.state()["pid"]).encode()
    container.delete()


def test_the_pid_is_that_of_the_containers_first_process(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(["/bin/sh", "-c", "echo ready; sleep 1000; :", "marked"]), stdout=pipe)
    pipe.readline()
    assert processes.status(container.pid)["NSpid"].split()[-1] == "1"
    assert Path(f"/proc/{container.pid}/cmdline").read_bytes().endswith(b"\0marked\0")
    container.delete()


def test_delete_removes_a_stopped_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    runtime.must("delete", container.id)
    assert runtime.call("state", container.id).code != 0


def test_delete_refuses_a_running_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    assert runtime.call("delete", container.id).code != 0
    assert container.status() == "running"
    container.delete()


def test_delete_removes_a_created_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    runtime.must("delete", "--force", container.id)
    assert processes.ended(container.pid, 5)


def test_delete_force_ends_a_running_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    runtime.must("delete", "--force", container.id)
    assert container.wait() == 128 + 9


@pytest.mark.core
def test_delete_force_of_a_container_that_is_gone_succeeds(runtime: Runtime) -> None:
    assert runtime.call("delete", "--force", "gone").code == 0


def test_delete_of_an_unknown_container_fails(runtime: Runtime) -> None:
    assert runtime.call("delete", "unknown").code != 0


@pytest.mark.not_on("runc", "1.1.5 sometimes leaves the v2 cgroup of an orphan that it has just killed")
def test_delete_ends_what_the_program_left_running(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/sh", "-c", "sleep 1000 & echo $!"])
    config.change(
        "/linux/namespaces", [n for n in config.config["linux"]["namespaces"] if n["type"] != "pid"]
    )
    container = runtime.start(config)
    assert container.wait() == 0
    orphan = int(container.out)
    assert not processes.ended(orphan, 0)
    container.delete()
    assert processes.ended(orphan, 5)


def test_the_same_id_can_be_created_again_after_delete(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    for _ in range(2):
        container = runtime.start(config)
        container.wait()
        container.delete()


def test_create_refuses_an_id_that_is_in_use(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    again = runtime.call("create", "--bundle", str(container.bundle.path), container.id)
    assert again.code != 0
    assert container.status() == "created"
    container.delete()


def test_start_refuses_a_running_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    assert runtime.call("start", container.id).code != 0
    container.delete()


def test_start_refuses_a_stopped_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    assert runtime.call("start", container.id).code != 0
    container.delete()


@pytest.mark.parametrize("verb", ["start", "state", "kill", "pause", "resume"])
def test_a_verb_on_an_unknown_container_says_that_it_does_not_exist(runtime: Runtime, verb: str) -> None:
    result = runtime.call(verb, "unknown")
    assert result.code != 0
    assert "does not exist" in result.err


@pytest.mark.core
@pytest.mark.parametrize("name", ["USR1", "SIGUSR1", str(signal_number("USR1"))])
def test_kill_takes_a_signal_by_name_and_by_number(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, name: str
) -> None:
    script = "trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 1000 & wait; done"
    container = runtime.start(bundle(script), stdout=pipe)
    assert pipe.readline() == "ready"
    container.kill(name)
    assert pipe.readline() == "got"
    assert container.wait() == 5
    container.delete()


def test_kill_sends_term_by_default(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    script = "trap 'exit 6' TERM; echo ready; while :; do sleep 1000 & wait; done"
    container = runtime.start(bundle(script), stdout=pipe)
    pipe.readline()
    runtime.must("kill", container.id)
    assert container.wait() == 6
    container.delete()


def test_kill_refuses_a_signal_that_does_not_exist(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    assert runtime.call("kill", container.id, "NOSUCH").code != 0
    assert container.status() == "created"
    container.delete()


def test_kill_ends_a_created_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    container.kill("KILL")
    assert container.wait() == 128 + 9
    assert container.status() == "stopped"
    container.delete()


def test_kill_of_a_stopped_container_fails_with_a_phrase_that_containerd_knows(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    result = runtime.call("kill", container.id, "KILL")
    assert result.code != 0
    assert any(
        p in result.err for p in ("container not running", "no such process", "process already finished")
    )
    container.delete()


def test_kill_all_reaches_every_process(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/sh", "-c", "sleep 1000 & echo $!; wait"])
    config.change(
        "/linux/namespaces", [n for n in config.config["linux"]["namespaces"] if n["type"] != "pid"]
    )
    pipe = Pipe()
    container = runtime.start(config, stdout=pipe)
    other = int(pipe.readline())
    pipe.close()
    runtime.must("kill", "--all", container.id, "KILL")
    assert container.wait() == 128 + 9
    assert processes.ended(other, 5)
    container.delete()


def test_a_container_ends_with_its_creators_terminal_and_group_untouched(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    container = runtime.create(bundle(FOREVER))
    assert os.getsid(container.pid) == container.pid
    container.delete()


def test_the_default_state_root_is_left_alone_when_another_is_named(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    default = Path("/run/estiba")
    before = sorted(default.iterdir()) if default.exists() else None
    runtime.output(bundle("true"))
    assert (sorted(default.iterdir()) if default.exists() else None) == before


def test_two_containers_live_side_by_side(runtime: Runtime, bundle: MakeBundle) -> None:
    first, second = runtime.start(bundle(FOREVER)), runtime.start(bundle(FOREVER))
    first.delete()
    assert second.status() == "running"
    second.delete()
