# SPDX-License-Identifier: Apache-2.0
"""Docker: what options make of the container, and the exit codes of its command."""

from __future__ import annotations

import pytest

from clients.client import IMAGE
from clients.docker import Docker

SHOWN = {
    "stdout": ([], ["echo", "hi"], "hi"),
    "user": (["--user", "1000:1001"], ["sh", "-c", "id -u; id -g"], "1000\n1001"),
    "groups": (["--user", "1000", "--group-add", "77"], ["id", "-G"], "0 77"),
    "no-capabilities": (["--cap-drop", "ALL"], ["grep", "CapEff", "/proc/self/status"], f"CapEff:\t{0:016x}"),
    "no-new-privileges": (
        ["--security-opt", "no-new-privileges"],
        ["grep", "NoNewPrivs", "/proc/self/status"],
        "NoNewPrivs:\t1",
    ),
    "read-only": (["--read-only"], ["sh", "-c", "touch /x 2>/dev/null || echo refused"], "refused"),
    "tmpfs": (
        ["--tmpfs", "/scratch:size=1m,mode=1777"],
        ["sh", "-c", "stat -c %a /scratch; df -k /scratch | tail -1 | tr -s ' ' | cut -d' ' -f1,2"],
        "1777\ntmpfs 1024",
    ),
    "hostname": (["--hostname", "web"], ["hostname"], "web"),
    "sysctl": (["--sysctl", "kernel.msgmax=4096"], ["cat", "/proc/sys/kernel/msgmax"], "4096"),
    "shm-size": (
        ["--shm-size", "1m"],
        ["sh", "-c", "df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2"],
        "1024",
    ),
    "env": (["--env", "KEY=a b"], ["sh", "-c", "echo $KEY"], "a b"),
    "workdir-is-made": (["--workdir", "/made/here"], ["pwd"], "/made/here"),
    "init": (["--init"], ["cat", "/proc/1/comm"], "docker-init"),
    "ulimit": (["--ulimit", "nofile=512:1024"], ["sh", "-c", "ulimit -n; ulimit -Hn"], "512\n1024"),
    "device": (
        ["--device", "/dev/full:/dev/filled:r"],
        ["stat", "-c", "%F %t %T", "/dev/filled"],
        "character special file 1 7",
    ),
    "network-none": (["--network", "none"], ["ls", "/sys/class/net"], "lo"),
    "masked": ([], ["sh", "-c", "wc -c </proc/keys"], "0"),
    "proc-read-only": (
        [],
        ["sh", "-c", "echo 1 2>/dev/null >/proc/sys/kernel/panic || echo refused"],
        "refused",
    ),
    "seccomp": ([], ["grep", "Seccomp:", "/proc/self/status"], "Seccomp:\t2"),
    "seccomp-off": (
        ["--security-opt", "seccomp=unconfined"],
        ["grep", "Seccomp:", "/proc/self/status"],
        "Seccomp:\t0",
    ),
    "oom-score": (["--oom-score-adj", "500"], ["cat", "/proc/self/oom_score_adj"], "500"),
    "entrypoint": (["--entrypoint", "/bin/echo"], ["of", "its", "own"], "of its own"),
    "cgroup-namespace": (
        ["--cgroupns", "private"],
        ["sh", "-c", "cut -d: -f3 /proc/self/cgroup | sort -u"],
        "/",
    ),
    "no-descriptors": ([], ["ls", "/proc/self/fd"], "0\n1\n2\n3"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_run_shows(docker: Docker, case: str) -> None:
    flags, program, wanted = SHOWN[case]
    assert docker.out("run", "--rm", *flags, IMAGE, *program) == wanted


@pytest.mark.not_on(
    "runc", "it refuses a capability that it does not hold itself, and here CAP_SYS_RESOURCE is missing"
)
def test_run_privileged(docker: Docker) -> None:
    script = "test -w /proc/sys/kernel/panic && echo may"
    assert docker.out("run", "--rm", "--privileged", IMAGE, "sh", "-c", script) == "may"


HOST = {"pid": "pid", "ipc": "ipc", "uts": "uts", "network": "net", "cgroupns": "cgroup"}


@pytest.mark.parametrize("option", HOST)
def test_run_in_a_namespace_of_the_host(docker: Docker, option: str) -> None:
    of_site = docker.begin("readlink", f"/proc/self/ns/{HOST[option]}", raw=True).finish().out.strip()
    shown = docker.out("run", "--rm", f"--{option}=host", IMAGE, "readlink", f"/proc/self/ns/{HOST[option]}")
    assert shown == of_site


LIMITS = {
    "memory": (["--memory", "64m"], "memory/memory.limit_in_bytes", str(64 << 20)),
    "swap": (
        ["--memory", "64m", "--memory-swap", "96m"],
        "memory/memory.memsw.limit_in_bytes",
        str(96 << 20),
    ),
    "pids": (["--pids-limit", "50"], "pids/pids.max", "50"),
    "cpus": (["--cpus", "0.5"], "cpu/cpu.cfs_quota_us", "50000"),
    "cpu-shares": (["--cpu-shares", "512"], "cpu/cpu.shares", "512"),
    "cpuset": (["--cpuset-cpus", "0"], "cpuset/cpuset.cpus", "0"),
}


@pytest.mark.views("hybrid")
@pytest.mark.parametrize("case", LIMITS)
def test_run_limits(docker: Docker, case: str) -> None:
    flags, file, wanted = LIMITS[case]
    assert docker.out("run", "--rm", *flags, IMAGE, "cat", f"/sys/fs/cgroup/{file}") == wanted


@pytest.mark.parametrize(("options", "wanted"), [("", "written"), (":ro", "refused")])
def test_run_mounts_a_volume(docker: Docker, options: str, wanted: str) -> None:
    volume = docker.site.folder / f"volume{options.replace(':', '-')}"
    volume.mkdir()
    script = "touch /volume/x 2>/dev/null && echo written || echo refused"
    assert docker.out("run", "--rm", "-v", f"{volume}:/volume{options}", IMAGE, "sh", "-c", script) == wanted
    assert (volume / "x").exists() == (wanted == "written")


def test_run_reads_standard_input(docker: Docker) -> None:
    assert docker.must("run", "--rm", "-i", IMAGE, "cat", stdin=b"through").out == "through"


def test_run_has_a_terminal(docker: Docker) -> None:
    assert "/dev/pts/0" in docker.typed("run", "--rm", "-it", IMAGE, "sh", lines="tty; exit\n")


CODES = {
    "of-the-program": (["sh", "-c", "exit 7"], 7),
    "missing": (["/bin/absent"], 127),
    "missing-in-path": (["absent"], 127),
    "not-executable": (["/etc/passwd"], 126),
    "a-folder": (["/etc"], 126),
}


@pytest.mark.parametrize("case", CODES)
def test_exit_code_of_run(docker: Docker, case: str) -> None:
    program, wanted = CODES[case]
    result = docker.call("run", "--rm", IMAGE, *program)
    assert (result.code, program[0] in result.err) == (wanted, wanted > 100), str(result)


@pytest.mark.parametrize("case", CODES)
def test_exit_code_of_exec(docker: Docker, case: str) -> None:
    program, wanted = CODES[case]
    docker.must("run", "-d", "--name", "cc", IMAGE, "sleep", "1000")
    result = docker.call("exec", "cc", *program)
    assert result.code == min(
        wanted, 126
    )  # Docker 20.10 tells no missing program from one that is not executable
    assert (program[0] in result.out) == (wanted > 100)


def test_what_cannot_be_mounted_exits_with_dockers_own_code(docker: Docker) -> None:
    mount = f"type=bind,source={docker.site.folder}/absent,target=/x"
    assert docker.call("run", "--rm", "--mount", mount, IMAGE, "true").code == 125


def test_a_failed_mount_is_told(docker: Docker) -> None:
    result = docker.call("run", "--rm", "-v", "/dev/null:/etc", IMAGE, "true")
    assert result.code in (125, 126, 127)
    assert "/etc" in result.err
