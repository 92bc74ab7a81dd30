# SPDX-License-Identifier: Apache-2.0
"""A verb that is killed at any of its system calls leaves nothing that `gc` and `delete --force` do not clean.

ESTIBA_KILL_EVERY=1 kills at every call and not at each seventh: the long run, `make kill`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import leftovers, processes, views
from support.bundles import Bundle
from support.runtime import Container, Result, Runtime
from support.tracing import Trace

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("root", "command:strace")]

EVERY = int(os.environ.get("ESTIBA_KILL_EVERY", "7"))
KILLED = 128 + 9
SLEEP = ["sleep", "1000"]
UID = 70000

MAPPING = [{"containerID": 0, "hostID": UID, "size": 1000}]
HOOKS = [{"path": "/bin/sh", "args": ["sh", "-c", "cat >/dev/null"]}]
SHAPES: dict[str, dict[str, object]] = {
    "default": {},
    "user namespace": {
        "/linux/namespaces/-": {"type": "user"},
        "/linux/uidMappings": MAPPING,
        "/linux/gidMappings": MAPPING,
    },
    "hooks": {f"/hooks/{name}": HOOKS for name in ("prestart", "createRuntime", "poststart", "poststop")},
}

BIRTHS = ("default", "user namespace", "pid namespace by path")
"""The shapes of the launch table: who brings init into its namespaces. By path, a second process does (stage one)."""
FEW = views.available()[:1] if EVERY > 1 else views.available()
"""In `make test`, the view of what init does much alike in all."""

Find = Callable[[Bundle], list[str]]
Born = Callable[[list[str], str], Bundle]


@pytest.fixture
def native(runtime: Runtime) -> Runtime:
    """The native command, whichever door the other tests go through: an interpreter's own calls say nothing."""
    runtime.words = [str(Path(sys.executable).with_name("estiba"))]
    return runtime


@pytest.fixture
def remains(native: Runtime, cgroup_parent: str) -> Find:
    """What there is of a container beside its bundle."""
    host = views.View("hybrid", hold=False)
    before = leftovers.Before([host] if native.view.pid == host.pid else [host, native.view])

    def find(config: Bundle) -> list[str]:
        return leftovers.find(before, native.marker, cgroup_parent, config.id, native.root)

    return find


@pytest.fixture
def born(bundle: MakeBundle) -> Iterator[Born]:
    """Make a bundle whose init comes to its namespaces in one of the ways of BIRTHS."""
    with processes.holder("--pid") as held:

        def make(args: list[str], birth: str) -> Bundle:
            config = bundle(args, SHAPES.get(birth, {}))
            if birth == "user namespace":
                config.own_by(UID)
            if birth == "pid namespace by path":
                own = config.config["linux"]["namespaces"]
                paths = {"pid": {"path": f"/proc/{held}/ns/pid"}}
                config.change("/linux/namespaces", [each | paths.get(each["type"], {}) for each in own])
            return config

        yield make


@pytest.fixture(scope="session")
def points(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """How often a process was killed, by verb; told at the end."""
    counted: Counter[str] = Counter()
    yield counted
    each = ", ".join(f"{verb} {count}" for verb, count in sorted(counted.items()))
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\nkilled at {counted.total()} system calls: {each}")


def calls(runtime: Runtime, *arguments: str) -> list[tuple[str, int]]:
    """The system calls that the command makes itself, each with how often it was called up to there."""
    lines = under_strace(runtime, [], *arguments)[1]
    names = [match[0] for line in lines if (match := re.match(r"\w+(?=\()", line))]
    return [(name, names[: at + 1].count(name)) for at, name in enumerate(names)]


def under_strace(runtime: Runtime, options: list[str], *arguments: str) -> tuple[Result, list[str]]:
    """Run the command, but not its children, under strace."""
    output = runtime.folder / "strace"
    runtime.prefix = ["strace", "-o", str(output), *options]
    try:
        result = runtime.call(*arguments)
    finally:
        runtime.prefix = []
    return result, output.read_text().splitlines()


def recorded_pid(runtime: Runtime, ident: str) -> int:
    """The pid in the state record; 0 if there is none."""
    record = runtime.root / ident / "state.json"
    return int(json.loads(record.read_text())["pid"]) if record.exists() else 0


def check_cleaned(runtime: Runtime, config: Bundle, remains: Find) -> None:
    """`gc` cleans what is half made, `delete --force` the rest, and the name is free again."""
    runtime.must("gc", "--stopped")
    if (runtime.root / config.id).exists():
        assert recorded_pid(runtime, config.id), "gc has left what is half made"
        runtime.must("delete", "--force", config.id)
    for pid in processes.orphans():
        assert processes.ended(pid, 10), f"process {pid} is left"
    processes.reap_orphans()
    assert remains(config) == []
    runtime.create(config).delete()
    processes.reap_orphans()


def kill_each(
    runtime: Runtime,
    arguments: list[str],
    before: Callable[[], None],
    then: Callable[[], None],
    points: Counter[str],
) -> None:
    """Kill a verb as it enters one system call, then the next, and so on."""
    for _ in range(2):  # the first one alone makes the state root, and what else lasts
        before()
        made = calls(runtime, *arguments)
        then()
    killed = 0
    for name, count in made[1:-1:EVERY]:
        before()
        kill = f"inject={name}:signal=SIGKILL:when={count}"
        result, lines = under_strace(runtime, ["-e", kill], *arguments)
        killed += result.code == KILLED
        try:
            then()
        except BaseException as error:
            error.add_note(f"after SIGKILL in {lines[-2]}, call {len(lines)} of {arguments[0]}")
            raise
    points[arguments[0]] += killed
    # Signals and the ends of polls come at other moments in each run, so that some of the chosen calls are not met.
    assert killed >= 0.8 * len(made[1:-1:EVERY])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("verb", ["create", "run"])
def test_a_killed_verb_that_makes_a_container_can_be_cleaned(
    native: Runtime, bundle: MakeBundle, remains: Find, points: Counter[str], verb: str, shape: str
) -> None:
    config = bundle(SLEEP if verb == "create" else ["true"], SHAPES[shape])
    if shape == "user namespace":
        config.own_by(UID)

    def then() -> None:
        named = recorded_pid(native, config.id)
        for pid in processes.orphans():
            # Whoever is in no record must end by itself: nobody could find it.
            assert pid == named or processes.ended(pid, 10), f"process {pid} lives and has no record"
        check_cleaned(native, config, remains)

    kill_each(native, [verb, "--bundle", str(config.path), config.id], lambda: None, then, points)


@pytest.mark.parametrize("verb", ["start", "kill", "pause", "resume", "exec", "delete"])
def test_a_killed_verb_leaves_a_container_that_can_be_cleaned(
    native: Runtime, bundle: MakeBundle, remains: Find, points: Counter[str], verb: str
) -> None:
    config = bundle(SLEEP)
    arguments = {
        "kill": ["kill", config.id, "9"],
        "exec": ["exec", config.id, "true"],
        "delete": ["delete", "--force", config.id],
    }.get(verb, [verb, config.id])

    def before() -> None:
        container: Container = native.create(config)
        if verb != "start":
            container.start()
        if verb == "resume":
            native.must("pause", config.id)

    kill_each(native, arguments, before, lambda: check_cleaned(native, config, remains), points)


@pytest.mark.views(*FEW)
@pytest.mark.parametrize("birth", BIRTHS)
def test_a_killed_init_makes_run_fail_and_leaves_nothing(
    native: Runtime, born: Born, remains: Find, points: Counter[str], birth: str
) -> None:
    """Stage one, too, where there is one."""
    config = born(["true"], birth)
    arguments = ["run", "--bundle", str(config.path), config.id]
    for name, count in calls_of_children(native, *arguments)[::EVERY]:
        kill = f"inject={name}:signal=SIGKILL:when={count}"
        result, _ = under_strace(native, ["-f", "-e", kill], *arguments)
        processes.reap_orphans()
        points["children of run"] += 1
        case = f"SIGKILL in call {count} of {name}: {result}"
        assert result.code in (1, KILLED), case
        assert result.code == KILLED or "before it was ready" in result.err, case
        assert remains(config) == [], case


@pytest.mark.views(*FEW)
@pytest.mark.parametrize("birth", BIRTHS)
def test_a_killed_init_makes_create_fail_or_is_stopped(
    native: Runtime, born: Born, remains: Find, points: Counter[str], birth: str
) -> None:
    """Killed before the gate, create fails; at or behind it, the container is there and stopped."""
    config = born(SLEEP, birth)
    arguments = ["create", "--bundle", str(config.path), config.id]
    for name, count in calls_until_started(native, config.id, *arguments)[::EVERY]:
        kill = f"inject={name}:signal=SIGKILL:when={count}"
        with followed(native, config.id, *arguments, options=["-e", kill]) as create:
            code = create.until_exit()
            case = f"SIGKILL in call {count} of {name}: {code}"
            if code == 0:
                native.call("start", config.id)
                assert processes.ended(recorded_pid(native, config.id), 10), case
                native.must("delete", config.id)
        points["children of create"] += 1
        assert code in (0, 1, KILLED), case  # what it undoes may take it to the same call
        assert remains(config) == [], case


def test_a_killed_child_of_exec_makes_it_fail_and_leaves_the_container(
    native: Runtime, bundle: MakeBundle, remains: Find, points: Counter[str]
) -> None:
    """Stage one, and the process that becomes the program."""
    config = bundle(SLEEP)
    arguments = ["exec", config.id, "true"]
    container = native.create(config).start()
    for name, count in calls_of_children(native, *arguments)[::EVERY]:
        kill = f"inject={name}:signal=SIGKILL:when={count}"
        result, _ = under_strace(native, ["-f", "-e", kill], *arguments)
        points["children of exec"] += result.code != 0
        case = f"SIGKILL in call {count} of {name}: {result}"
        assert result.code in (0, KILLED, 255), case
        assert result.code or not result.err, case
        assert container.status() == "running", case
        assert native.must("ps", "--format", "json", config.id).out == f"[{container.pid}]\n", case
    check_cleaned(native, config, remains)


def calls_of_children(runtime: Runtime, *arguments: str) -> list[tuple[str, int]]:
    """The system calls of every process but the first one, until it becomes the program.

    Without those that the command makes as often itself: strace counts for each process, and would meet both.
    """
    return _of_children(under_strace(runtime, ["-f"], *arguments)[1])


def calls_until_started(runtime: Runtime, ident: str, *arguments: str) -> list[tuple[str, int]]:
    """The same of a `create` with the `start` that follows."""
    with followed(runtime, ident, *arguments) as create:
        assert create.until_exit() == 0
        runtime.must("start", ident)
    return _of_children(create.lines)


def _of_children(lines: list[str]) -> list[tuple[str, int]]:
    made = [match.groups() for line in lines if (match := re.match(r"(\d+) +(\w+)\(", line))]
    parent = made[0][0]
    by_parent = Counter(name for pid, name in made if pid == parent)
    found: dict[tuple[str, int], None] = {}
    for child in dict.fromkeys(pid for pid, _ in made if pid != parent):
        names = [name for pid, name in made if pid == child]
        until_exec = names[: names.index("execve") + 1] if "execve" in names else names
        counted = [(name, until_exec[: at + 1].count(name)) for at, name in enumerate(until_exec)]
        found |= {call: None for call in counted if call[1] > by_parent[call[0]]}
    return list(found)


@contextlib.contextmanager
def followed(runtime: Runtime, ident: str, *arguments: str, options: Sequence[str] = ()) -> Iterator[Trace]:
    """Make a call under strace, which follows what the call leaves behind until it is deleted here."""
    trace = Trace(runtime, *arguments, options=options)
    try:
        yield trace
    finally:
        runtime.call("delete", "--force", ident)
        trace.finish()
        processes.reap_orphans()
