# SPDX-License-Identifier: Apache-2.0
"""The native verbs run no Python: not for what clients ask, not for what they are refused.

The system calls of each verb are printed (pytest -rP), not judged: time is the benches' matter.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import replay
from support.runtime import Container, Runtime
from support.terminals import ConsoleSocket
from support.tracing import Executed, Trace

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("root", "command:strace")]

SLEEP = ["/bin/sleep", "1000"]
INIT = Executed("", "estiba-init")

UNKNOWN = {
    "start": ["start", "absent"],
    "state": ["state", "absent"],
    "kill": ["kill", "absent", "9"],
    "delete": ["delete", "absent"],
    "exec": ["exec", "absent", "true"],
    "pause": ["pause", "absent"],
    "resume": ["resume", "absent"],
}


@pytest.fixture
def native(runtime: Runtime) -> Runtime:
    """The native command, whichever door the other tests go through."""
    runtime.words = [str(Path(sys.executable).with_name("estiba"))]
    return runtime


@pytest.fixture
def created(native: Runtime, bundle: MakeBundle) -> Iterator[Container]:
    """A created container."""
    made = native.create(bundle(SLEEP))
    yield made
    made.delete()


def own(runtime: Runtime) -> Executed:
    """The execution of the command itself."""
    return Executed(runtime.words[0], runtime.words[0])


def executed(runtime: Runtime, code: int, *arguments: str) -> list[Executed]:
    """What a call that exits with `code` executes beside itself, children included."""
    trace = Trace(runtime, *arguments)
    found = trace.until_exit()
    trace.finish()
    print(f"{runtime.view.name:6} {arguments[0]:7} {trace.own_calls:4} calls, with children {trace.calls}")
    assert found == code, trace.err
    assert trace.executed[0] == own(runtime)
    return trace.executed[1:]


def refused(runtime: Runtime, *arguments: str) -> list[Executed]:
    """What a call executes that fails by itself; `exec` keeps the small codes for its program."""
    return executed(runtime, 255 if arguments[0] == "exec" else 1, *arguments)


def test_run_executes_init_and_the_program_alone(native: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/true"])
    found = executed(native, 0, "run", "--bundle", str(config.path), config.id)
    assert found == [INIT, Executed("/bin/true", "/bin/true")]


def test_create_executes_init_alone(native: Runtime, bundle: MakeBundle) -> None:
    config = bundle(SLEEP)
    trace = Trace(native, "create", "--bundle", str(config.path), config.id)
    assert trace.until_exit() == 0, trace.err
    assert trace.executed == [own(native), INIT]
    native.must("delete", "--force", config.id)
    trace.finish()


def test_exec_executes_init_and_the_program_alone(native: Runtime, created: Container) -> None:
    created.start()
    found = executed(native, 0, "exec", created.id, "/bin/true")
    assert found == [INIT, Executed("/bin/true", "/bin/true")]


def test_every_other_native_verb_executes_nothing(native: Runtime, created: Container) -> None:
    for arguments in (
        ["state"],
        ["start"],
        ["state"],
        ["pause"],
        ["state"],
        ["resume"],
        ["kill", "9"],
    ):
        assert executed(native, 0, arguments[0], created.id, *arguments[1:]) == [], arguments
    created.wait()
    assert executed(native, 0, "state", created.id) == []
    assert executed(native, 0, "delete", created.id) == []


@pytest.mark.parametrize("verb", UNKNOWN)
def test_an_unknown_id_is_refused_without_python(native: Runtime, verb: str) -> None:
    assert refused(native, *UNKNOWN[verb]) == []


def test_delete_of_what_is_gone_needs_no_python(native: Runtime) -> None:
    assert executed(native, 0, "delete", "--force", "absent") == []


def test_a_wrong_state_is_refused_without_python(native: Runtime, created: Container) -> None:
    name, bundle = created.id, str(created.bundle.path)
    assert refused(native, "resume", name) == []
    assert refused(native, "create", "--bundle", bundle, name) == []
    created.start()
    for arguments in (["start", name], ["delete", name], ["resume", name]):
        assert refused(native, *arguments) == [], arguments
    created.kill()
    created.wait()
    for arguments in (
        ["start", name],
        ["kill", name, "9"],
        ["exec", name, "true"],
        ["pause", name],
        ["resume", name],
    ):
        assert refused(native, *arguments) == [], arguments


def test_a_program_that_is_missing_is_told_without_python(native: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    assert refused(native, "create", "--bundle", str(config.path), config.id) == [INIT]


@pytest.mark.parametrize("name", replay.every())
def test_what_clients_ask_is_created_without_python(
    native: Runtime, bundle: MakeBundle, folder: Path, cgroup_parent: str, console: ConsoleSocket, name: str
) -> None:
    config = bundle(SLEEP)
    replay.put(config, name, native.view, work=folder / "work", parent=cgroup_parent, argv=SLEEP)
    flags = ["--console-socket", str(console.path)] if replay.has_terminal(config) else []
    trace = Trace(native, "create", "--bundle", str(config.path), *flags, config.id)
    code = trace.until_exit()
    native.must("delete", "--force", config.id)
    trace.finish()
    print(f"{native.view.name:6} create  {trace.own_calls:4} calls, with init {trace.calls}: {name}")
    assert [each for each in trace.executed if "python" in each.path] == []
    assert code == 0, trace.err
