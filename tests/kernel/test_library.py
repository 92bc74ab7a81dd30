# SPDX-License-Identifier: Apache-2.0
"""Containers from Python: typed calls in this very process, and nothing left of them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from estiba import Bundle, Container, _core
from estiba.errors import (
    ArgumentInvalid,
    ConfigInvalid,
    ContainerExists,
    ContainerNotFound,
    EstibaWarning,
    HookFailed,
    WrongState,
)
from estiba.lifecycle import wait
from support import bundles, views
from support.processes import Pipe
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

FOREVER = "sleep 1000"


@pytest.fixture
def stdio(pipe: Pipe) -> tuple[int, int, int]:
    """Nothing to read, a pipe to write to, errors to ours."""
    return (0, pipe.writer, 2)


@pytest.mark.core
def test_run_returns_the_exit_code(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("exit 7")
    assert Container.run(config.id, config.path, root=str(runtime.root)) == 7


def test_run_returns_128_and_the_signal(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        container.kill("KILL")
        assert container.wait() == 128 + signal.SIGKILL


def test_run_hands_its_options_on(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    config = bundle("test -e /proc/self/fd/3 && test ! -e /proc/self/fd/4")
    pid_file = folder / "pid"
    code = Container.run(
        config.id, config.path, root=str(runtime.root), pid_file=str(pid_file), preserve_fds=1, no_pivot=True
    )
    assert (code, pid_file.read_text().isdigit()) == (0, True)


def test_program_writes_where_stdio_says(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, stdio: tuple[int, int, int]
) -> None:
    config = bundle("echo hello")
    assert Container.run(config.id, config.path, root=str(runtime.root), stdio=stdio) == 0
    assert pipe.readline() == "hello"


def test_a_failing_poststop_hook_is_a_warning(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/hooks": {"poststop": [{"path": "/bin/false"}]}})
    with pytest.warns(EstibaWarning, match="config.json /hooks/poststop/0: the hook"):
        assert Container.run(config.id, config.path, root=str(runtime.root)) == 0


def test_state_follows_the_life_of_a_container(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER, {"/annotations": {"org.example.key": "value"}})
    with Container.create(config.id, Bundle(config.path), root=str(runtime.root)) as container:
        created = container.state()
        assert (created.status, created.bundle) == ("created", str(config.path))
        assert (created.pid, created.annotations) == (container.init.pid, {"org.example.key": "value"})
        container.start()
        assert container.status == "running"
        container.pause()
        assert container.status == "paused"
        container.resume()
        assert container.processes() == [created.pid]
        container.kill(signal.SIGKILL)
        container.wait()
        assert container.status == "stopped"


def test_leaving_the_with_deletes_a_running_container(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
    with pytest.raises(ContainerNotFound, match=f'container "{config.id}" does not exist'):
        container.state()


def test_an_error_in_the_with_leaves_nothing_either(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with (
        pytest.raises(RuntimeError, match="ours"),
        Container.create(config.id, config.path, root=str(runtime.root)),
    ):
        raise RuntimeError("ours")
    assert _core.containers(root=str(runtime.root)) == []


def test_exec_runs_a_program_with_the_settings_given(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, stdio: tuple[int, int, int]
) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        process = container.exec(
            ["sh", "-c", "echo $GREETING $(pwd) $(id -u) $(id -g); exit 3"],
            env=["GREETING=hello"],
            cwd="/tmp",
            user="7:8",
            stdio=stdio,
        )
        assert process.wait() == 3
        process.close()
        assert pipe.readline() == "hello /tmp 7 8"


def test_exec_takes_what_python_has_for_it(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    """A mapping for the environment, paths, a number for the user, and open files."""
    config = bundle(FOREVER)
    with (
        Container.create(config.id, config.path, root=str(runtime.root)) as container,
        (folder / "said").open("w+b") as said,
    ):
        entered = container.exec(
            [Path("/bin/sh"), "-c", "echo $KEY; pwd; id -u"],
            env={"KEY": "a value"},
            cwd=Path("/tmp"),
            user=7,
            stdio=(0, said, said),
        )
        assert entered.wait() == 0
        said.seek(0)
        assert said.read() == b"a value\n/tmp\n7\n"


def test_files_are_named_by_paths(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    config = bundle(FOREVER)
    with Container.create(
        config.id, config.path, root=str(runtime.root), pid_file=folder / "pid"
    ) as container:
        assert int((folder / "pid").read_text()) == container.init.pid


@pytest.mark.parametrize("number", [-1, 900])
def test_a_closed_file_is_no_stdio(runtime: Runtime, bundle: MakeBundle, number: int) -> None:
    config = bundle(FOREVER)
    with pytest.raises(ArgumentInvalid, match=f"^stdio: descriptor {number} is not open$"):
        Container.create(config.id, config.path, root=str(runtime.root), stdio=(0, 1, number))


def test_update_says_what_it_wants(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with (
        Container.create(config.id, config.path, root=str(runtime.root)) as container,
        pytest.raises(ConfigInvalid, match="^resources: found null, expected an object$"),
    ):
        container.update(None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("process", "pointer"),
    [
        ({"args": ["true"], "cwd": "below"}, "/cwd"),
        ({"args": ["true"], "cwd": "/", "user": {"uid": "root"}}, "/user/uid"),
    ],
)
def test_exec_refuses_a_wrong_process(
    runtime: Runtime, bundle: MakeBundle, process: dict[str, object], pointer: str
) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        with pytest.raises(ConfigInvalid) as refused:
            container.exec(process=process)
    assert pointer in [problem.pointer for problem in refused.value.problems]
    assert all(str(problem).startswith("process.json /") for problem in refused.value.problems)


@pytest.mark.parametrize(
    "process", [{1: Path("/")}, {"args": ["true"], "cwd": Path("/")}, {"cwd": float("nan")}]
)
def test_exec_refuses_what_no_json_can_hold(
    runtime: Runtime, bundle: MakeBundle, process: dict[str, object]
) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        with pytest.raises(ConfigInvalid, match="^process.json: cannot be written as JSON: "):
            container.exec(process=process)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"env": ["A=1"]}, "env"),
        ({"args": ["true"], "cwd": "/tmp"}, "args, cwd"),
        (
            {"user": "", "additional_gids": [7], "capabilities": ["CAP_KILL"]},
            "user, additional_gids, capabilities",
        ),
    ],
)
def test_exec_drops_nothing_beside_a_whole_process(
    runtime: Runtime, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(ArgumentInvalid, match=f"^exec: process and {said} exclude each other$"):
        Container("nobody", root=str(runtime.root)).exec(process={"args": ["true"], "cwd": "/"}, **given)


def test_exec_takes_no_string_for_a_list(runtime: Runtime, bundle: MakeBundle) -> None:
    """Which Python takes for a list of its letters."""
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        for wrong in ({"args": "true"}, {"args": ["true"], "env": "A=b"}):
            with pytest.raises(ArgumentInvalid, match="is the string '.*', expected a list of strings"):
                container.exec(**wrong)


def test_exec_takes_tuples_for_arrays(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        entered = container.exec(
            process={"args": ("sh", "-c", "exit 4"), "cwd": "/", "env": ("PATH=/bin",), "unknown": 1}
        )
        assert entered.wait() == 4
        entered.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "config.json /process: found an empty array, expected an object"),
        ('{"process": 3}', "config.json /process: found the number 3, expected an object"),
        (
            '{"process": {"args": ["x"], "cwd": "/", "user": 3}}',
            "config.json /process/user: found the number 3, expected an object",
        ),
        (
            '{"process": {"args": ["x"], "cwd": "/", "env": 3, "capabilities": {"bounding": 4}}}',
            "config.json /process/env: found the number 3, expected an array of strings (and 1 more problem)",
        ),
    ],
)
def test_exec_out_of_a_config_that_has_changed_is_refused(
    runtime: Runtime, bundle: MakeBundle, text: str, said: str
) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        (config.path / "config.json").write_text(text)
        with pytest.raises(ConfigInvalid) as refused:
            container.exec(["true"])
    assert str(refused.value) == said
    assert str(refused.value.hint).startswith("config.json has changed since the container was created")


def test_update_refuses_wrong_resources(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with (
        Container.create(config.id, config.path, root=str(runtime.root)) as container,
        pytest.raises(ConfigInvalid) as refused,
    ):
        container.update({"memory": {"limit": "1g"}})
    assert [problem.pointer for problem in refused.value.problems] == ["/memory/limit"]


def test_wait_gives_up_after_the_time_given(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        with pytest.raises(TimeoutError, match="has not ended within 0.01 s"):
            container.wait(0.01)


@pytest.mark.parametrize("timeout", [-1, -0.001, float("nan"), float("-inf")])
def test_a_timeout_that_is_no_time_is_refused_before_anything_is_done(
    runtime: Runtime, bundle: MakeBundle, timeout: float
) -> None:
    config = bundle("true")
    refused = pytest.raises(ArgumentInvalid, match=f"^timeout: {timeout} s is no time to wait")
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        with refused:
            container.wait(timeout)
        with refused:
            wait(container.init, timeout)
    with refused:
        Container.run(config.id, config.path, root=str(runtime.root), timeout=timeout)


@pytest.mark.parametrize("interval", [0, -1.5, float("nan")])
def test_an_interval_that_is_none_is_refused(runtime: Runtime, interval: float) -> None:
    container = Container("nobody", root=str(runtime.root))
    for watch in (container.events, container.events_async):
        with pytest.raises(ArgumentInvalid, match=f"^interval: {interval} s is no time between events"):
            watch(interval)


def test_signals_give_a_hook_no_more_time(runtime: Runtime, bundle: MakeBundle) -> None:
    """Each one interrupts the wait for its end."""
    config = bundle("true")
    config.change("/hooks/createRuntime/-", {"path": "/bin/sleep", "args": ["sleep", "20"], "timeout": 1})
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.3, 0.3)
    try:
        with pytest.raises(HookFailed, match="ran into its time-out of 1 s and was killed$"):
            Container.run(config.id, config.path, root=str(runtime.root))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_a_signal_does_not_end_the_wait_for_a_console_socket(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    """Whoever listens is busy until a signal has come."""
    config = bundle("true", {"/process/terminal": True})
    path = str(folder / "console")
    reader, writer = os.pipe2(os.O_NONBLOCK)
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as before_us:
        listener.bind(path)
        listener.listen(0)
        before_us.connect(path)  # from now on the next one has to wait

        accepted: list[socket.socket] = []

        def accept() -> None:
            select.select([reader], [], [])
            with contextlib.suppress(OSError):  # nobody waits any more
                accepted.extend(listener.accept()[0] for _ in range(2))

        thread = threading.Thread(target=accept)
        handler = signal.signal(signal.SIGALRM, lambda *_: None)
        wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        thread.start()
        signal.setitimer(signal.ITIMER_REAL, 0.2, 0.2)
        try:
            container = Container.create(config.id, config.path, root=str(runtime.root), console_socket=path)
            container.delete(force=True)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.set_wakeup_fd(wakeup)
            signal.signal(signal.SIGALRM, handler)
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in accepted:
                each.close()
            os.close(reader)
            os.close(writer)


@pytest.mark.parametrize("count", [2**20, 2**31, 2**32 - 1])
def test_more_descriptors_than_a_process_can_have_are_refused(
    runtime: Runtime, bundle: MakeBundle, count: int
) -> None:
    """A count that ran over its sign took standard error from the program, or left it descriptors of the runtime."""
    config = bundle("true")
    with pytest.raises(ConfigInvalid, match=r"^descriptor \d+ is to be preserved and is not open$"):
        Container.run(config.id, config.path, root=str(runtime.root), preserve_fds=count)


@pytest.mark.parametrize("count", [-1, 2**32])
def test_a_number_of_descriptors_that_is_none_is_refused(
    runtime: Runtime, bundle: MakeBundle, count: int
) -> None:
    config = bundle("true")
    refused = pytest.raises(ArgumentInvalid, match=f"^preserve_fds: {count} is no number of descriptors")
    with refused:
        Container.run(config.id, config.path, root=str(runtime.root), preserve_fds=count)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container, refused:
        container.exec(["true"], preserve_fds=count)


@pytest.mark.parametrize("timeout", [1e12, float("inf"), 10**400, 2**31 / 1000])
def test_a_timeout_may_be_longer_than_poll_takes(
    runtime: Runtime, bundle: MakeBundle, timeout: float
) -> None:
    config = bundle("exit 5")
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        assert container.wait(timeout) == 5
        assert wait(container.init, timeout) == 5


def test_a_time_that_one_poll_cannot_hold_is_waited_out(
    runtime: Runtime, bundle: MakeBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("estiba.lifecycle.waiting.LONGEST", 10)
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        started = time.monotonic()
        with pytest.raises(TimeoutError):
            container.wait(0.05)
        assert time.monotonic() - started >= 0.05


def test_wait_may_be_asked_again(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("exit 5")
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        assert [container.wait(), container.wait()] == [5, 5]
    assert container.wait() == 5


def test_wait_after_a_delete_by_force_tells_of_the_kill(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
    assert container.wait() == 128 + signal.SIGKILL


def test_many_are_awaited_on_one_loop(runtime: Runtime, bundle: MakeBundle) -> None:
    configs = [bundle(f"exit {code}") for code in range(4)]

    async def one(ident: str, path: Path) -> int:
        with Container.create(ident, path, root=str(runtime.root)) as container:
            container.start()
            return await container.wait_async()

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(one(config.id, config.path) for config in configs))

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3]


def test_many_run_on_one_loop(runtime: Runtime, bundle: MakeBundle) -> None:
    configs = [bundle(f"exit {code}") for code in range(4)]

    async def all_of_them() -> list[int]:
        return await asyncio.gather(
            *(Container.run_async(config.id, config.path, root=str(runtime.root)) for config in configs)
        )

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3]
    assert _core.containers(root=str(runtime.root)) == []


def test_a_container_of_somebody_else_cannot_be_awaited(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)):
        seen = Container(config.id, root=str(runtime.root))
        assert seen.status == "created"
        with pytest.raises(WrongState, match="was not created here"):
            seen.wait()


def test_a_second_container_of_a_name_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    with Container.create(config.id, config.path, root=str(runtime.root)):
        with pytest.raises(ContainerExists, match=f'container "{config.id}" exists already') as caught:
            Container.create(config.id, config.path, root=str(runtime.root))
        assert caught.value.hint is not None


def test_a_wrong_config_is_refused_with_every_problem(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/process/cwd": "relative", "/hostname": 7})
    with pytest.raises(ConfigInvalid) as caught:
        Container.create(config.id, config.path, root=str(runtime.root))
    assert [problem.pointer for problem in caught.value.problems] == ["/process/cwd", "/hostname"]


def test_a_wrong_signal_is_refused_before_anything_is_sent(runtime: Runtime) -> None:
    with pytest.raises(ArgumentInvalid, match='"FOO" is not a signal'):
        Container("nobody", root=str(runtime.root)).kill("FOO")


def test_eight_busy_threads_leave_no_descriptor(runtime: Runtime, bundle: MakeBundle) -> None:
    configs = [[bundle("exit 3") for _ in range(6)] for _ in range(8)]
    before = len(os.listdir("/proc/self/fd"))
    codes: list[int] = []

    def work(number: int) -> None:
        for config in configs[number]:
            codes.append(Container.run(config.id, config.path, root=str(runtime.root)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [3] * 48
    assert len(os.listdir("/proc/self/fd")) == before


def test_events_are_told_until_the_end(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["sleep", "1000"])
    with Container.create(config.id, config.path, root=str(runtime.root)) as container:
        container.start()
        told = []
        for event in container.events(interval=0.01):
            told.append(event.kind)
            if len(told) == 3:
                container.kill("KILL")
                container.wait(timeout=10)
        assert told == ["stats"] * 3
        with pytest.raises(WrongState, match="is stopped: events needs it"):
            next(container.events())


def test_events_of_many_come_on_one_loop(runtime: Runtime, bundle: MakeBundle) -> None:
    async def watch(config: bundles.Bundle) -> int:
        with Container.create(config.id, config.path, root=str(runtime.root)) as container:
            container.start()
            count = 0
            async for event in container.events_async(interval=0.01):
                assert event.stats["pids"] is not None
                count += 1
                if count == 3:
                    container.kill("KILL")
            return count

    async def all_of_them() -> list[int]:
        return await asyncio.gather(*(watch(bundle(["sleep", "1000"])) for _ in range(4)))

    assert all(count >= 3 for count in asyncio.run(all_of_them()))
