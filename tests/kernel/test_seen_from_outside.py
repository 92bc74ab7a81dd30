# SPDX-License-Identifier: Apache-2.0
"""What the host sees of a running program, for properties whose own tests ask the program: the two have to agree."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import mountinfo
from support.processes import Pipe, holder, namespace, parse_status, status
from support.runtime import MARKER, Runtime
from support.terminals import ConsoleSocket

PROGRAM = ["/bin/sh", "-c", "echo ready; while :; do sleep 1000; done", "name", "an argument"]
NAMESPACES = {"network": "net", "ipc": "ipc", "uts": "uts", "cgroup": "cgroup"}


@pytest.fixture
def running(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> Any:
    """`with running(changes, *flags) as proc:` has a program that runs, and its /proc/PID."""

    @contextlib.contextmanager
    def start(changes: dict[str, Any], *flags: str) -> Iterator[Path]:
        config = bundle(PROGRAM, changes)
        (config.rootfs / "etc" / "secret").write_text("secret\n")
        container = runtime.start(config, *flags, stdout=pipe)
        assert pipe.readline() == "ready"
        yield Path("/proc", str(container.pid))
        container.delete()

    return start


def inside(proc: Path, kind: str, *command: str) -> str:
    """What a program of the host prints in one namespace of the container."""
    enter = ["nsenter", f"--target={proc.name}", f"--{kind}", *command]
    return subprocess.run(enter, check=True, capture_output=True, text=True).stdout.strip()


def test_the_program_its_arguments_and_its_environment(running: Any) -> None:
    with running({"/process/env/-": "KEY=a value"}) as proc:
        assert (proc / "cmdline").read_text().split("\0")[:-1] == PROGRAM
        names = dict(entry.split(b"=", 1) for entry in (proc / "environ").read_bytes().split(b"\0")[:-1])
    assert names[b"KEY"] == b"a value"
    assert set(names) <= {b"PATH", b"TERM", b"KEY", b"HOME", MARKER.encode()}


def test_the_working_directory(running: Any) -> None:
    with running({"/process/cwd": "/tmp"}) as proc:
        assert (proc / "cwd").stat().st_ino == (proc / "root" / "tmp").stat().st_ino


@pytest.mark.parametrize(
    ("pointer", "value", "line", "shown"),
    [
        ("/process/user/umask", 0o027, "Umask", "0027"),
        ("/process/noNewPrivileges", True, "NoNewPrivs", "1"),
        ("/process/noNewPrivileges", False, "NoNewPrivs", "0"),
    ],
)
def test_what_the_kernel_keeps_of_a_process(
    running: Any, pointer: str, value: object, line: str, shown: str
) -> None:
    with running({pointer: value}) as proc:
        assert parse_status((proc / "status").read_text())[line] == shown


def test_no_signal_is_blocked_or_ignored(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(["sleep", "1000"]))
    seen = status(container.pid)
    container.delete()
    assert [int(seen[key], 16) for key in ("SigBlk", "SigIgn")] == [0, 0]


def test_the_oom_score(running: Any) -> None:
    with running({"/process/oomScoreAdj": 321}) as proc:
        assert (proc / "oom_score_adj").read_text() == "321\n"


def test_the_preserved_descriptors_and_no_others(runtime: Runtime, running: Any, folder: Path) -> None:
    (folder / "kept").touch()
    runtime.prefix = ["sh", "-c", 'exec 3<"$0" 4<"$0" 5<"$0"; exec "$@"', str(folder / "kept")]
    with running({}, "--preserve-fds", "2") as proc:
        assert sorted(os.listdir(proc / "fd")) == ["0", "1", "2", "3", "4"]
        assert os.readlink(proc / "fd" / "4").endswith("/kept")


def test_the_names_of_the_host(running: Any) -> None:
    with running({"/hostname": "web.example"}) as proc:
        assert inside(proc, "uts", "hostname") == "web.example"


@pytest.mark.not_on("runc", "1.1.5 knows no domainname")
def test_the_name_of_the_domain(running: Any) -> None:
    with running({"/domainname": "example.org"}) as proc:
        assert inside(proc, "uts", "cat", "/proc/sys/kernel/domainname") == "example.org"


def test_a_kernel_parameter(running: Any) -> None:
    with running({"/linux/sysctl": {"net.ipv4.ip_forward": "1"}}) as proc:
        assert inside(proc, "net", "cat", "/proc/sys/net/ipv4/ip_forward") == "1"


@pytest.mark.parametrize(("link", "target"), [("fd", "/proc/self/fd"), ("ptmx", "pts/ptmx")])
def test_a_default_link(running: Any, link: str, target: str) -> None:
    with running({}) as proc:
        assert os.readlink(proc / "root" / "dev" / link) == target


def test_a_device_of_the_config(running: Any) -> None:
    device = {
        "path": "/dev/filled",
        "type": "c",
        "major": 1,
        "minor": 7,
        "fileMode": 0o640,
        "uid": 3,
        "gid": 4,
    }
    with running({"/linux/devices": [device]}) as proc:
        found = (proc / "root" / "dev" / "filled").stat()
    assert (os.major(found.st_rdev), os.minor(found.st_rdev)) == (1, 7)
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o640, 3, 4)


def test_a_masked_file(running: Any) -> None:
    with running({"/linux/maskedPaths": ["/etc/secret"]}) as proc:
        assert (proc / "root" / "etc" / "secret").read_bytes() == b""


def test_a_read_only_path(running: Any) -> None:
    with running({"/linux/readonlyPaths": ["/etc"], "/root/readonly": False}) as proc:
        assert "ro" in mountinfo.of(int(proc.name), "/etc").options
        with pytest.raises(OSError, match="Read-only"):
            (proc / "root" / "etc" / "new").touch()


def test_the_terminal(runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket) -> None:
    config = bundle("exec sleep 1000", {"/process/terminal": True})
    container = runtime.create(config, "--console-socket", str(console.path))
    terminal = console.receive()
    container.start()
    proc = Path("/proc", str(container.pid))
    numbers = {os.stat(proc / "fd" / fd).st_rdev for fd in "012"}
    controlling = int((proc / "stat").read_text().rpartition(")")[2].split()[4])
    os.close(terminal)
    container.delete()
    assert len(numbers) == 1
    assert controlling & 0xFFFFFFFF == numbers.pop()


@pytest.mark.parametrize("kind", NAMESPACES)
def test_a_namespace_that_is_joined_by_path(running: Any, base_config: dict[str, Any], kind: str) -> None:
    file = NAMESPACES[kind]
    others = [each for each in base_config["linux"]["namespaces"] if each["type"] != kind]
    with holder(f"--{file}") as pid:
        joined = [*others, {"type": kind, "path": f"/proc/{pid}/ns/{file}"}]
        with running({"/linux/namespaces": joined, "/hostname": "joined"}) as proc:
            assert namespace(int(proc.name), file) == namespace(pid, file) != namespace("self", file)


@pytest.mark.requires("namespace:time")
@pytest.mark.not_on("runc", "1.1.5 knows no time namespace")
def test_a_time_namespace_and_its_offsets(running: Any) -> None:
    offsets = {"monotonic": {"secs": 1000, "nanosecs": 7}}
    with running({"/linux/namespaces/-": {"type": "time"}, "/linux/timeOffsets": offsets}) as proc:
        assert namespace(int(proc.name), "time") != namespace("self", "time")
        lines = [line.split() for line in (proc / "timens_offsets").read_text().splitlines()]
    assert ["monotonic", "1000", "7"] in lines
