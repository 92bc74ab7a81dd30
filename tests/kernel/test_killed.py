# SPDX-License-Identifier: Apache-2.0
"""A verb that is killed at any of its system calls leaves nothing that `gc` and `delete --force` do not clean.

ESTIBA_KILL_EVERY=1 kills at every call and not at each seventh: the long run, `make kill`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import leftovers, processes, views
from support.bundles import Bundle
from support.runtime import Container, Result, Runtime

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

Find = Callable[[Bundle], list[str]]


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


@pytest.mark.parametrize("shape", ["default", "user namespace"])
def test_a_killed_init_makes_run_fail_and_leaves_nothing(
    native: Runtime, bundle: MakeBundle, remains: Find, points: Counter[str], shape: str
) -> None:
    config = bundle(["true"], SHAPES[shape])
    if shape == "user namespace":
        config.own_by(UID)
    arguments = ["run", "--bundle", str(config.path), config.id]
    for name, count in calls_of_init(native, *arguments)[::EVERY]:
        kill = f"inject={name}:signal=SIGKILL:when={count}"
        result, _ = under_strace(native, ["-f", "-e", kill], *arguments)
        processes.reap_orphans()
        points["init of run"] += 1
        case = f"SIGKILL in call {count} of {name}: {result}"
        assert result.code in (1, KILLED), case
        assert result.code == KILLED or "init ended before it was ready" in result.err, case
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


def calls_of_init(runtime: Runtime, *arguments: str) -> list[tuple[str, int]]:
    """The system calls of init that its parent does not make as often, so that strace can meet init alone."""
    return calls_of_children(runtime, *arguments, only_first=True)


def calls_of_children(runtime: Runtime, *arguments: str, only_first: bool = False) -> list[tuple[str, int]]:
    """The same of every process but the first one, until it becomes the program."""
    lines = under_strace(runtime, ["-f"], *arguments)[1]
    made = [match.groups() for line in lines if (match := re.match(r"(\d+) +(\w+)\(", line))]
    parent = made[0][0]
    by_parent = Counter(name for pid, name in made if pid == parent)
    images = list(dict.fromkeys(pid for pid, name in made if name == "execveat"))
    others = list(dict.fromkeys(pid for pid, _ in made if pid != parent))
    found: dict[tuple[str, int], None] = {}
    for child in images[:1] if only_first else others:
        names = [name for pid, name in made if pid == child]
        before_exec = names[: names.index("execve")] if "execve" in names else names
        counted = [(name, before_exec[: at + 1].count(name)) for at, name in enumerate(before_exec)]
        found |= {call: None for call in counted if call[1] > by_parent[call[0]]}
    return list(found)
