# SPDX-License-Identifier: Apache-2.0
"""A thousand containers out of one busy Python process: nothing of them is left, and nothing of it has changed."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from conftest import MakeBundle
from estiba import Bundle, Container
from estiba.errors import (
    ContainerExists,
    ContainerNotFound,
    ExecFailed,
    HookFailed,
    KernelRefused,
    WrongState,
)
from support import processes, views
from support.runtime import Runtime
from support.tracing import Executed, Trace

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

THREADS = 8
EACH = 125
SLEEP = ["sleep", "1000"]


class Look(NamedTuple):
    """What a call may not change of the thread that makes it."""

    namespaces: dict[str, str]
    blocked: str
    ignored: str
    caught: str
    capabilities: str
    root: str
    folder: str


def look() -> Look:
    """The calling thread as the kernel sees it."""
    own = f"/proc/self/task/{threading.get_native_id()}"
    status = processes.parse_status(Path(own, "status").read_text())
    names = sorted(os.listdir(f"{own}/ns"))
    return Look(
        {name: os.readlink(f"{own}/ns/{name}") for name in names},
        *(status[key] for key in ("SigBlk", "SigIgn", "SigCgt", "CapEff")),
        *(os.readlink(f"{own}/{link}") for link in ("root", "cwd")),
    )


def in_threads(work: Callable[[int], None], count: int = THREADS) -> None:
    """Run `work` in threads at once; the first exception of any of them is raised here."""
    together = threading.Barrier(count)

    def begin(number: int) -> None:
        together.wait()
        work(number)

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(begin, range(count)))


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """Keep threads busy with and without the interpreter's lock."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            hashlib.sha256(bytes(1 << 16)).hexdigest()
            sum(range(1000))

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def descriptors() -> dict[str, str]:
    """What this process has open."""
    found = {}
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found[name] = os.readlink(f"/proc/self/fd/{name}")
    return found


def children() -> list[str]:
    """The children of this process, zombies too."""
    return [
        pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()
    ]


def whole_life(id: str, bundle: Bundle, root: str) -> int:
    """Each verb as a call of its own."""
    with Container.create(id, bundle, root=root) as container:
        container.start()
        code = container.wait()
        container.delete()
    return code


def test_a_thousand_containers_of_eight_threads_leave_nothing(runtime: Runtime, bundle: MakeBundle) -> None:
    configs = [bundle("exit 3") for _ in range(THREADS)]
    root = str(runtime.root)
    before = descriptors(), sorted(children())
    codes: list[int] = []
    changed: list[tuple[Look, Look]] = []

    def work(number: int) -> None:
        config = configs[number]
        loaded, began = Bundle(config.path), look()
        for turn in range(EACH):
            if turn % 2:
                codes.append(Container.run(config.id, loaded, root=root))
            else:
                codes.append(whole_life(config.id, loaded, root))
        if (ended := look()) != began:
            changed.append((began, ended))

    in_threads(work)
    assert codes == [3] * THREADS * EACH
    assert changed == []
    assert (descriptors(), sorted(children())) == before


def test_containers_beside_busy_threads_leave_nothing(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("exit 3")
    with busy(THREADS):
        before = descriptors(), sorted(children()), look()
        codes = [Container.run(config.id, config.path, root=str(runtime.root)) for _ in range(20)]
        after = descriptors(), sorted(children()), look()
    assert codes == [3] * 20
    assert after == before


@pytest.mark.parametrize("kinds", [["pid"], ["pid", "net", "ipc"], ["user", "pid"]])
def test_joining_namespaces_by_path_leaves_the_thread_in_its_own(
    runtime: Runtime, bundle: MakeBundle, kinds: list[str]
) -> None:
    names = {"pid": "pid", "net": "network", "ipc": "ipc", "user": "user"}
    config = bundle("exit 3")
    maps = "0 0 65536" if "user" in kinds else None
    with processes.holder(*(f"--{kind}" for kind in kinds), uid_map=maps) as holder:
        namespaces = {n["type"]: n for n in config.config["linux"]["namespaces"]}
        for kind in kinds:
            of = "pid_for_children" if kind == "pid" and "user" not in kinds else kind
            namespaces[names[kind]] = {"type": names[kind], "path": f"/proc/{holder}/ns/{of}"}
        config.change("/linux/namespaces", list(namespaces.values()))

        def work(_: int) -> None:
            began = look()
            for turn in itertools.count():
                ident = f"{config.id}-{threading.get_native_id()}-{turn}"
                own = Bundle(config.path)
                own.text = own.text.replace(config.cgroup.encode(), f"{config.cgroup}-{ident}".encode())
                assert Container.run(ident, own, root=str(runtime.root)) == 3
                if turn == 5:
                    break
            assert look() == began

        in_threads(work, 4)


def test_what_fails_leaves_no_descriptor_and_no_child(runtime: Runtime, bundle: MakeBundle) -> None:
    root = str(runtime.root)
    configs = [
        bundle(["/bin/absent"]),
        bundle("true", {"/mounts/-": {"destination": "/x", "source": "/absent", "options": ["bind"]}}),
        bundle("true", {"/linux/namespaces/-": {"type": "user", "path": "/absent"}}),
        bundle("true", {"/hooks/prestart": [{"path": "/bin/false"}]}),
        bundle("true", {"/process/rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}]}),
    ]
    before = descriptors(), sorted(children()), look()
    for config in configs:
        for _ in range(10):
            with pytest.raises((ExecFailed, KernelRefused, HookFailed)):
                Container.create(config.id, config.path, root=root)
    assert (descriptors(), sorted(children()), look()) == before


def test_a_missing_program_says_where_and_what(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["/bin/absent"])
    with pytest.raises(ExecFailed) as caught:
        Container.create(config.id, config.path, root=str(runtime.root))
    error = caught.value
    assert (error.kind, error.pointer, error.errno) == ("ExecFailed", "/process/args/0", 2)
    assert str(error) == error.message


def test_a_failing_hook_says_which(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/hooks/prestart": [{"path": "/bin/true"}, {"path": "/bin/false"}]})
    with pytest.raises(HookFailed) as caught:
        Container.create(config.id, config.path, root=str(runtime.root))
    error = caught.value
    assert (error.kind, error.pointer, error.argv) == ("HookFailed", "/hooks/prestart/1", ("/bin/false",))
    assert error.exit_status == 1
    assert f" after {error.milliseconds} ms" in str(error)


def test_a_hook_that_takes_too_long_has_no_exit_status(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(
        "true", {"/hooks/createRuntime": [{"path": "/bin/sleep", "args": ["s", "9"], "timeout": 1}]}
    )
    with pytest.raises(HookFailed) as caught:
        Container.create(config.id, config.path, root=str(runtime.root))
    assert (caught.value.argv, caught.value.exit_status) == (("s", "9"), None)
    assert 1000 <= (caught.value.milliseconds or 0) < 9000


def test_a_hook_inside_says_how_it_ended(runtime: Runtime, bundle: MakeBundle) -> None:
    script = {"path": "/bin/sh", "args": ["sh", "-c", "kill -TERM $$"]}
    config = bundle("true", {"/hooks/createContainer": [script]})
    with pytest.raises(HookFailed) as caught:
        Container.create(config.id, config.path, root=str(runtime.root))
    assert (caught.value.argv, caught.value.exit_status) == (("sh", "-c", "kill -TERM $$"), 128 + 15)


def test_errors_about_a_container_have_its_id(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(SLEEP)
    with pytest.raises(ContainerNotFound) as absent:
        Container(config.id, root=str(runtime.root)).state()
    with Container.create(config.id, config.path, root=str(runtime.root)):
        with pytest.raises(ContainerExists) as there:
            Container.create(config.id, config.path, root=str(runtime.root))
        with pytest.raises(WrongState) as anothers:
            Container(config.id, root=str(runtime.root)).wait()
    assert (absent.value.id, there.value.id, anothers.value.id) == (config.id,) * 3


def test_a_wrong_state_says_what_is_needed(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(SLEEP)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        with pytest.raises(WrongState) as caught:
            container.start()
        assert (caught.value.kind, caught.value.pointer, caught.value.errno) == ("WrongState", None, None)
        assert (caught.value.id, caught.value.status) == (config.id, "running")
        assert caught.value.wanted == ("created",)
        with pytest.raises(WrongState) as caught:
            container.delete()
        assert f"estiba kill {config.id}" in (caught.value.hint or "")


def test_of_eight_threads_that_create_one_name_exactly_one_wins(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(SLEEP)
    made: list[Container] = []
    refused: list[ContainerExists] = []

    def work(_: int) -> None:
        try:
            made.append(Container.create(config.id, config.path, root=str(runtime.root)))
        except ContainerExists as error:
            refused.append(error)

    for _ in range(10):
        in_threads(work)
        assert (len(made), len(refused)) == (1, THREADS - 1)
        made.pop().delete(force=True)
        refused.clear()


PROGRAM = """
import sys
from estiba import Container
_, _, root, id, bundle = sys.argv
with Container.create(id, bundle, root=root) as container:
    container.start()
    container.exec(["/bin/true"]).wait()
    container.pause()
    container.resume()
    container.kill("KILL")
    container.wait()
"""


@pytest.mark.requires("command:strace")
def test_python_starts_no_program_but_init(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    config = bundle(["/bin/sleep", "1000"])
    script = folder / "script.py"
    script.write_text(PROGRAM)
    runtime.words = [sys.executable, "-I", str(script)]
    trace = Trace(runtime, config.id, str(config.path), options=["-e", "trace=execve,execveat"])
    assert trace.until_exit() == 0, trace.err
    trace.finish()
    init = Executed("", "estiba-init")
    sleep, true = Executed("/bin/sleep", "/bin/sleep"), Executed("/bin/true", "/bin/true")
    assert trace.executed[1:] == [init, sleep, init, true]
