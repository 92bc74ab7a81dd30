# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests that start containers, and the check after each that nothing is left of them."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from estiba.spec import default_config
from support import leftovers, needs, processes, rootfs, views
from support.bundles import Bundle, Changes, make_bundle
from support.processes import Pipe
from support.runtime import MARKER, Runtime, become, command, reference
from support.terminals import ConsoleSocket

ROOTLESS_UID = 64321  # no passwd entry, and no subuid range: the simplest rootless user there is

MakeBundle = Callable[..., Bundle]

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and take in the orphans of all that will be started."""
    processes.become_subreaper()
    processes.stop_ignoring()
    if os.geteuid() == 0:
        views.leave_host_mounts()
    for line in (
        "requires(*needs): what the test needs of the host; see tests/support/needs.py",
        "not_on(runtime, why): the test does not judge this reference runtime",
        "estiba_only: the test is about what no reference runtime promises",
        "views(*names): the views the test runs in; without it, both",
        "controller: added to what requires a cgroup controller",
        "core: part of the matrix of doors, views and users that every run goes through",
    ):
        config.addinivalue_line("markers", line)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a controller: `-m controller` is what a host without it skips."""
    if any(need in needs.CONTROLLERS for mark in item.iter_markers("requires") for need in mark.args):
        item.add_marker("controller")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that starts containers in every view it is meant for."""
    if "view" in metafunc.fixturenames:
        mark = metafunc.definition.get_closest_marker("views")
        names = [v for v in views.available() if mark is None or v in mark.args]
        metafunc.parametrize("view", names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about a view that this host has not, or does not judge the reference runtime under test."""
    name = reference()

    def is_out(item: pytest.Item) -> bool:
        wanted = item.get_closest_marker("views")
        if wanted is not None and not {*views.available()} & {*wanted.args}:
            return True
        return name is not None and (
            item.get_closest_marker("estiba_only") is not None
            or any(m.args[0] == name for m in item.iter_markers("not_on"))
        )

    out = [item for item in items if is_out(item)]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose needs are not met, by a reason that expected_skips.txt can list."""
    callspec = getattr(item, "callspec", None)
    name = callspec.params.get("view") if callspec else None
    view = views.View(name, hold=False) if name else None
    for mark in item.iter_markers("requires"):
        for need in mark.args:
            if lack := needs.missing(need, view):
                pytest.skip(f"lacks: {lack}")


_lacks: set[str] = set()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note each lack that a test was skipped for."""
    if report.skipped and isinstance(report.longrepr, tuple):
        _lacks.add(str(report.longrepr[2]).removeprefix("Skipped: "))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run if a test was skipped for a reason that nobody expects."""
    if _lacks - {f"lacks: {e}" for e in needs.expected()} and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what tests were skipped for."""
    known = {f"lacks: {e}" for e in needs.expected()}
    for lack in sorted(_lacks):
        terminalreporter.write_line(f"skipped, {'expected' if lack in known else 'NOT EXPECTED'}: {lack}")


@pytest.fixture(scope="session")
def session_folder() -> Iterator[Path]:
    """A folder that other users can walk through; its short name leaves room for socket paths."""
    folder = Path(tempfile.mkdtemp(prefix="et-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def prepared(session_folder: Path) -> Path:
    """Busybox, from where every root links it."""
    rootfs.prepare(session_folder / "busybox")
    return session_folder / "busybox"


@pytest.fixture(scope="session")
def cgroup_parent() -> Iterator[str]:
    """The cgroup path below which all containers of this session are."""
    parent = f"/estiba-test-{os.getpid()}"
    yield parent
    for hierarchy in views.hierarchies():
        folder = hierarchy.mountpoint / parent.lstrip("/")
        if folder.exists():
            folder.rmdir()


@pytest.fixture(scope="session")
def view(request: pytest.FixtureRequest) -> Iterator[views.View]:
    """The cgroup view that this test runs in."""
    made = views.View(request.param)
    yield made
    made.close()


@pytest.fixture
def folder(session_folder: Path) -> Iterator[Path]:
    """A folder for this test alone."""
    made = session_folder / str(next(_numbers))
    made.mkdir(mode=0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def run_folder() -> Iterator[Path]:
    """A folder in memory, as /run is, for the state of this test's containers."""
    made = Path(tempfile.mkdtemp(prefix="et-", dir="/dev/shm"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def runtime(folder: Path, run_folder: Path, view: views.View, cgroup_parent: str) -> Iterator[Runtime]:
    """The runtime under test, as root; after the test nothing may be left of what it did."""
    made = Runtime(folder, run_folder / "state", view, _marker(folder))
    yield from _watched(made, cgroup_parent)


@pytest.fixture
def rootless(folder: Path, run_folder: Path, view: views.View, cgroup_parent: str) -> Iterator[Runtime]:
    """The runtime under test as a user without privileges, and without a passwd entry."""
    words = command()
    if Path(words[0]).name == "estiba":  # the checkout may stand where this user cannot go
        shutil.copy(words[0], folder / "estiba")
        words[0] = str(folder / "estiba")
    os.chown(run_folder, ROOTLESS_UID, ROOTLESS_UID)
    made = Runtime(folder, run_folder / "state", view, _marker(folder), words)
    made.prefix = become(ROOTLESS_UID)
    made.environ = {"XDG_RUNTIME_DIR": str(run_folder), "HOME": str(run_folder)}
    yield from _watched(made, cgroup_parent)


def _watched(runtime: Runtime, cgroup_parent: str) -> Iterator[Runtime]:
    host = views.View("hybrid", hold=False)
    before = leftovers.Before([host] if runtime.view.pid == host.pid else [host, runtime.view])
    yield runtime
    processes.reap_orphans()
    watched = (before, runtime.marker, cgroup_parent, _prefix(), runtime.root)
    if left := leftovers.find(*watched):
        leftovers.remove(*watched)
        processes.reap_orphans()
        pytest.fail("left behind:\n  " + "\n  ".join(left))


def _prefix() -> str:
    return f"et{os.getpid()}-"


def _marker(folder: Path) -> str:
    """Name a test: other sessions on this host number their folders as this one does."""
    return _prefix() + folder.name


@pytest.fixture
def base_config() -> dict[str, Any]:
    """The config that every bundle starts from."""
    return default_config()


@pytest.fixture
def rootless_config() -> dict[str, Any]:
    """The config of a user without privileges."""
    config = default_config(rootless=True, uid=ROOTLESS_UID, gid=ROOTLESS_UID)
    return config


@pytest.fixture
def bundle(folder: Path, prepared: Path, cgroup_parent: str, base_config: dict[str, Any]) -> MakeBundle:
    """Make bundles: `bundle("script" or [argv], {"/json/pointer": value})`."""

    def make(
        program: str | Sequence[str] = "true",
        changes: Changes | None = None,
        base: dict[str, Any] | None = None,
    ) -> Bundle:
        ident = f"{_prefix()}{next(_numbers)}"
        always: dict[str, Any] = {"/process/env/-": f"{MARKER}={_marker(folder)}"}
        if base is None:
            always["/linux/cgroupsPath"] = f"{cgroup_parent}/{ident}"
        return make_bundle(
            folder / ident, ident, base or base_config, program, {**always, **(changes or {})}, prepared
        )

    return make


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe for a container's stdout."""
    made = Pipe()
    yield made
    made.close()


@pytest.fixture
def console(folder: Path) -> Iterator[ConsoleSocket]:
    """A listening console socket."""
    made = ConsoleSocket(folder / "console")
    yield made
    made.close()
