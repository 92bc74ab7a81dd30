# SPDX-License-Identifier: Apache-2.0
"""Terminals: the console socket of create and exec, and `run` on a terminal of the caller."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios

import pytest

from conftest import MakeBundle
from support import processes
from support.runtime import Runtime
from support.terminals import ConsoleSocket, read_until

TERMINAL = {"/process/terminal": True}


def create(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket, script: str, **changes: object
) -> tuple:  # type: ignore[type-arg]
    """Create a container with a terminal; it and the terminal's controlling side."""
    container = runtime.create(bundle(script, {**TERMINAL, **changes}), "--console-socket", str(console.path))
    return container, console.receive()


@pytest.mark.core
def test_the_terminal_comes_over_the_console_socket(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    container, terminal = create(runtime, bundle, console, "read line; echo got $line; tty; sleep 1000")
    container.start()
    os.write(terminal, b"typed\n")
    assert b"got typed" in read_until(terminal, b"/dev/")
    os.close(terminal)
    container.delete()


def test_stdin_stdout_and_stderr_are_the_terminal(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    script = "for n in 0 1 2; do [ -t $n ] && echo fd$n; done; echo done; sleep 1000"
    container, terminal = create(runtime, bundle, console, script)
    container.start()
    said = read_until(terminal, b"done")
    assert all(word in said for word in (b"fd0", b"fd1", b"fd2"))
    os.close(terminal)
    container.delete()


def test_the_terminal_is_the_controlling_one(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    container, terminal = create(
        runtime, bundle, console, "trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 1; done"
    )
    container.start()
    read_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    read_until(terminal, b"interrupted")
    assert container.wait() == 4
    os.close(terminal)
    container.delete()


def test_the_size_of_the_terminal_is_that_of_the_config(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    size = {"/process/consoleSize": {"height": 33, "width": 111}}
    container, terminal = create(runtime, bundle, console, "stty size; sleep 1000", **size)
    container.start()
    read_until(terminal, b"33 111")
    os.close(terminal)
    container.delete()


def test_dev_console_is_the_terminal(runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket) -> None:
    container, terminal = create(runtime, bundle, console, "echo spoken > /dev/console; sleep 1000")
    container.start()
    read_until(terminal, b"spoken")
    os.close(terminal)
    container.delete()


def test_the_terminal_belongs_to_the_containers_user(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    user = {"/process/user": {"uid": 7, "gid": 7}}
    container, terminal = create(runtime, bundle, console, "stat -c owner=%u $(tty); sleep 1000", **user)
    container.start()
    read_until(terminal, b"owner=7")
    os.close(terminal)
    container.delete()


def test_the_terminal_is_of_the_containers_devpts(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    container, terminal = create(runtime, bundle, console, "echo $(tty) $(ls /dev/pts); sleep 1000")
    container.start()
    assert b"/dev/pts/0 0 ptmx" in read_until(terminal, b"ptmx")
    os.close(terminal)
    container.delete()


def test_exec_takes_a_terminal(runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket) -> None:
    container = runtime.start(bundle("sleep 1000"))
    pid_file = runtime.folder / "exec.pid"
    flags = ["--tty", "--detach", "--console-socket", str(console.path), "--pid-file", str(pid_file)]
    assert container.exec("sh", "-c", "read line; echo got $line; tty", flags=flags).code == 0
    terminal = console.receive()
    os.write(terminal, b"typed\n")
    assert b"got typed" in read_until(terminal, b"/dev/")
    assert processes.wait(int(pid_file.read_text())) == 0
    os.close(terminal)
    container.delete()


def test_create_with_a_terminal_but_no_console_socket_is_refused(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("true", TERMINAL)
    assert runtime.call("create", "--bundle", str(config.path), config.id).code != 0


def test_a_console_socket_without_a_terminal_is_refused(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    config = bundle("true")
    socket = str(console.path)
    assert (
        runtime.call("create", "--bundle", str(config.path), "--console-socket", socket, config.id).code != 0
    )


def test_run_passes_the_callers_terminal_through(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("stty size; read line; echo got $line; exit 3", TERMINAL)
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    running = runtime.spawn(
        "run", "--bundle", str(config.path), config.id, stdin=secondary, stdout=secondary, stderr=secondary
    )
    os.close(secondary)
    read_until(primary, b"30 100")
    os.write(primary, b"typed\n")
    read_until(primary, b"got typed")
    assert running.finish().code == 3
    os.close(primary)


def test_run_restores_the_callers_terminal(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("echo in", TERMINAL)
    primary, secondary = pty.openpty()
    before = termios.tcgetattr(secondary)
    running = runtime.spawn(
        "run", "--bundle", str(config.path), config.id, stdin=secondary, stdout=secondary, stderr=secondary
    )
    assert running.finish().code == 0
    assert termios.tcgetattr(secondary) == before
    os.close(secondary)
    assert b"in" in read_until(primary, b"in")
    os.close(primary)
