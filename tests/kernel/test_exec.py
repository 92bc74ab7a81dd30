# SPDX-License-Identifier: Apache-2.0
"""exec: a second process in the container's namespaces and cgroup, with its own identity and exit code."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import processes
from support.processes import Pipe, namespace, parse_status
from support.runtime import Container, Runtime

FOREVER = "sleep 1000"


def process_file(container: Container, **values: object) -> str:
    """Write a process.json: the container's own process with some values changed."""
    process = {**container.bundle.config["process"], **values}
    path = container.bundle.path / "process.json"
    path.write_text(json.dumps(process))
    return str(path)


@pytest.mark.estiba_only
@pytest.mark.parametrize("flags", [[], ["--detach"]])
def test_a_program_whose_pidfd_is_not_taken_is_ended(
    runtime: Runtime, bundle: MakeBundle, flags: list[str]
) -> None:
    container = runtime.start(bundle(FOREVER))
    runtime.must("pause", container.id)  # exec's process is born frozen, so the socket can go away in time
    path = runtime.folder / "pidfd"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()
        options = ["--ignore-paused", "--pidfd-socket", str(path), *flags]
        call = runtime.spawn("exec", *options, container.id, "sleep", "2000")
        assert processes.readable(listener.fileno(), 20)
    runtime.must("resume", container.id)
    result = call.finish()
    assert result.code != 0
    assert str(path) in result.err
    assert json.loads(runtime.must("ps", "--format=json", container.id).out) == [container.pid]
    container.delete()


@pytest.mark.core
def test_exec_exits_with_the_programs_code(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    assert container.exec("sh", "-c", "exit 9").code == 9
    container.delete()


def test_exec_exits_with_128_and_the_signal(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    assert container.exec("sh", "-c", "kill -9 $$").code == 128 + 9
    container.delete()


@pytest.mark.core
@pytest.mark.parametrize("kind", ["pid", "net", "ipc", "uts", "mnt", "cgroup"])
def test_exec_joins_the_containers_namespace(runtime: Runtime, bundle: MakeBundle, kind: str) -> None:
    container = runtime.start(bundle(FOREVER))
    result = container.exec("readlink", f"/proc/self/ns/{kind}")
    assert result.out.strip() == namespace(container.pid, kind)
    assert result.out.strip() != namespace("self", kind)
    container.delete()


def test_exec_is_in_the_containers_cgroup(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(FOREVER))
    pid_file = runtime.folder / "exec.pid"
    container.exec("sleep", "1000", flags=["--detach", "--pid-file", str(pid_file)])
    pid = int(pid_file.read_text())
    assert Path(f"/proc/{pid}/cgroup").read_text() == Path(f"/proc/{container.pid}/cgroup").read_text()
    container.delete()


def test_exec_detached_returns_at_once_and_the_process_lives_on(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FOREVER))
    pid_file = runtime.folder / "exec.pid"
    result = container.exec(
        "sh", "-c", "echo in; exec sleep 1000", flags=["--detach", "--pid-file", str(pid_file)], stdout=pipe
    )
    assert result.code == 0, str(result)
    assert pipe.readline() == "in"
    pid = int(pid_file.read_bytes())
    assert not processes.ended(pid, 0)
    os.kill(pid, signal.SIGKILL)
    assert processes.wait(pid) == 128 + 9
    container.delete()


def test_the_pid_file_of_exec_has_digits_and_no_newline(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    pid_file = runtime.folder / "exec.pid"
    container.exec("sleep", "1000", flags=["--detach", "--pid-file", str(pid_file)])
    assert pid_file.read_text().isdigit()
    container.delete()


def test_exec_passes_stdin_stdout_and_stderr(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    (folder / "input").write_text("typed\n")
    container = runtime.start(bundle(FOREVER))
    with (folder / "input").open("rb") as source:
        result = container.exec("sh", "-c", "cat; echo err >&2", stdin=source)
    assert (result.code, result.out, result.err) == (0, "typed\n", "err\n")
    container.delete()


@pytest.mark.core
@pytest.mark.estiba_only
def test_exec_tells_what_is_wrong_with_its_process_object(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    path = process_file(container, user=3)
    assert container.exec("/bin/absent").err.startswith("process.json /args/0: ")
    assert container.exec("true", flags=["--user", "root"]).err.startswith("process.json /user: ")
    result = runtime.call("exec", "--process", path, container.id)
    container.delete()
    assert (result.code, result.err) == (255, f"{path} /user: found the number 3, expected an object\n")


@pytest.mark.estiba_only
def test_exec_takes_no_process_that_has_become_invalid(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    container.bundle.change("/process/user", 3)
    result = container.exec("true")
    container.delete()
    said = "config.json /process/user: found the number 3, expected an object"
    assert (result.code, result.err.splitlines()[0]) == (255, said)


def test_exec_takes_a_process_file(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    path = process_file(
        container, args=["/bin/sh", "-c", "id -u; id -g; pwd; echo $KEY"], cwd="/tmp", user={"uid": 7, "gid": 8},
        env=[*container.bundle.config["process"]["env"], "KEY=value"],
    )  # fmt: skip
    result = runtime.must("exec", "--process", path, container.id)
    assert result.out.split() == ["7", "8", "/tmp", "value"]
    container.delete()


def test_exec_takes_cwd_env_and_user_from_its_flags(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    flags = ["--cwd", "/tmp", "--env", "KEY=value", "--user", "7:8"]
    result = container.exec("sh", "-c", "id -u; id -g; pwd; echo $KEY", flags=flags)
    assert result.out.split() == ["7", "8", "/tmp", "value"], str(result)
    container.delete()


@pytest.mark.estiba_only
@pytest.mark.parametrize("user", ["", "a", "1:", ":1", "-1", "4294967296", " 1", "1:2:3"])
def test_exec_refuses_a_user_that_is_no_number(runtime: Runtime, bundle: MakeBundle, user: str) -> None:
    """CVE-2026-30892: what could not be read was root."""
    container = runtime.start(bundle(FOREVER))
    result = container.exec("id", flags=[f"--user={user}"])
    assert (result.code != 0, result.out) == (True, "")
    container.delete()


def test_exec_sets_the_capabilities_of_the_process_file(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    sets = {name: ["CAP_KILL"] for name in ("bounding", "effective", "permitted")}
    path = process_file(container, args=["/bin/cat", "/proc/self/status"], capabilities=sets)
    status = parse_status(runtime.must("exec", "--process", path, container.id).out)
    assert [int(status[k], 16) for k in ("CapInh", "CapPrm", "CapEff", "CapBnd")] == [
        0,
        1 << 5,
        1 << 5,
        1 << 5,
    ]
    container.delete()


def test_exec_adds_capabilities_from_its_flags(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    result = container.exec("cat", "/proc/self/status", flags=["--cap", "CAP_NET_RAW"])
    effective = int(parse_status(result.out)["CapEff"], 16)
    assert effective & (1 << 13), str(result)  # CAP_NET_RAW
    assert effective & (1 << 5)  # CAP_KILL, of the container's own
    container.delete()


def test_exec_starts_with_default_signals(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    status = parse_status(container.exec("cat", "/proc/self/status").out)
    assert [int(status[k], 16) for k in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]
    container.delete()


@pytest.mark.not_on("runc", "the mask goes through it")
def test_exec_inherits_no_signal_that_its_caller_ignores(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    runtime.prefix = ["env", "--ignore-signal=PIPE,RTMIN+3,RTMAX"]
    status = parse_status(container.exec("cat", "/proc/self/status").out)
    assert int(status["SigIgn"], 16) == 0
    container.delete()


def test_exec_opens_no_descriptor_but_the_first_three(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    assert container.exec("ls", "/proc/self/fd").out.split() == ["0", "1", "2", "3"]  # 3: of ls itself
    container.delete()


def test_exec_preserves_the_descriptors_it_is_told_to(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    container = runtime.start(bundle(FOREVER))
    (folder / "kept").write_text("kept\n")
    runtime.prefix = ["sh", "-c", 'exec 3<"$0"; exec "$@"', str(folder / "kept")]
    result = container.exec("sh", "-c", "cat <&3", flags=["--preserve-fds", "1"])
    runtime.prefix = []
    assert result.out == "kept\n", str(result)
    container.delete()


def test_exec_of_a_missing_program_fails_with_a_phrase_that_podman_knows(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    container = runtime.start(bundle(FOREVER))
    result = container.exec("/bin/absent")
    assert result.code != 0
    assert "no such file or directory" in result.err.lower() or "executable file not found in" in result.err
    container.delete()


def test_exec_of_a_file_that_is_not_executable_fails_with_a_phrase_that_podman_knows(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle(FOREVER)
    (config.rootfs / "bin" / "plain").write_text("text")
    container = runtime.start(config)
    result = container.exec("/bin/plain")
    assert result.code != 0
    assert "permission denied" in result.err.lower()
    container.delete()


def test_exec_works_before_start(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    assert container.exec("echo", "early").out == "early\n"
    assert container.status() == "created"
    container.delete()


def test_exec_refuses_a_stopped_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    assert container.exec("true").code != 0
    container.delete()


def test_exec_refuses_a_paused_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    runtime.must("pause", container.id)
    assert container.exec("true").code != 0
    runtime.must("resume", container.id)
    container.delete()


def test_a_failed_exec_leaves_the_container_as_it_was(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    container.exec("/bin/absent")
    assert container.status() == "running"
    assert container.exec("ps").out.count("\n") == 3  # a head line, sleep and ps: no zombie stays
    container.kill("KILL")
    assert container.wait(5) == 128 + 9
    container.delete()


def test_a_process_of_exec_ends_with_the_container(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    pid_file = runtime.folder / "exec.pid"
    container.exec("sleep", "1000", flags=["--detach", "--pid-file", str(pid_file)])
    container.delete()
    assert processes.ended(int(pid_file.read_text()), 5)


def test_exec_keeps_the_limits_of_the_process_file(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    limits = [{"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128}]
    path = process_file(container, args=["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"], rlimits=limits)
    assert runtime.must("exec", "--process", path, container.id).out.split() == ["64", "128"]
    container.delete()


def test_exec_applies_the_containers_seccomp_profile(runtime: Runtime, bundle: MakeBundle) -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 99}],
    }
    container = runtime.start(bundle(FOREVER, {"/linux/seccomp": profile}))
    result = container.exec("mkdir", "/tmp/x")
    assert "Cannot assign requested address" in result.err, str(result)  # 99, EADDRNOTAVAIL
    container.delete()
