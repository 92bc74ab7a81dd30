# SPDX-License-Identifier: Apache-2.0
"""Docker's rarer ways: restarts of the daemon, BuildKit, shared namespaces, propagation, devices, a bridge."""

from __future__ import annotations

import pytest

from clients.client import IMAGE
from clients.docker import Docker

SHOWN = {
    "device-rule": (
        ["--device-cgroup-rule", "c 1:7 rw", "--cap-add", "MKNOD"],
        ["sh", "-c", "mknod /tmp/full c 1 7 && head -c 1 /tmp/full | wc -c"],
        "1",
    ),
    "no-device-rule": (
        ["--cap-add", "MKNOD"],
        ["sh", "-c", "mknod /tmp/port c 1 4 && head -c 1 /tmp/port 2>&1 | grep -o 'not permitted'"],
        "not permitted",
    ),
    "tmpfs-mount": (
        ["--mount", "type=tmpfs,destination=/t,tmpfs-size=1048576,tmpfs-mode=0711"],
        ["stat", "-c", "%a", "/t"],
        "711",
    ),
    "named-volume": (["--mount", "type=volume,destination=/etc"], ["cat", "/etc/group"], "root:x:0:"),
    "read-only-mount": (
        ["--mount", "type=tmpfs,destination=/t", "--read-only"],
        ["sh", "-c", "touch /t/x && echo written"],
        "written",
    ),
    "capability": (
        ["--cap-drop", "ALL", "--cap-add", "NET_ADMIN"],
        ["grep", "CapEff", "/proc/self/status"],
        f"CapEff:\t{1 << 12:016x}",
    ),
    "unmask": (
        ["--security-opt", "systempaths=unconfined"],
        ["sh", "-c", "grep -q . /proc/keys && echo seen"],
        "seen",
    ),
    "hosts-file": (["--add-host", "other:10.0.0.9"], ["grep", "other", "/etc/hosts"], "10.0.0.9\tother"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_run_shows(docker: Docker, case: str) -> None:
    flags, program, wanted = SHOWN[case]
    assert docker.out("run", "--rm", *flags, IMAGE, *program) == wanted


SHARED = {"pid": "pid", "network": "net", "ipc": "ipc"}


@pytest.mark.parametrize("option", SHARED)
def test_a_namespace_of_another_container(docker: Docker, option: str) -> None:
    docker.must("run", "-d", "--name", "cc", "--ipc", "shareable", IMAGE, "sleep", "1000")
    link = f"/proc/self/ns/{SHARED[option]}"
    joined = docker.out("run", "--rm", f"--{option}=container:cc", IMAGE, "readlink", link)
    assert joined == docker.out("exec", "cc", "readlink", link)


def test_mounts_of_the_host_reach_a_shared_volume(docker: Docker) -> None:
    shared = docker.site.folder / "shared"
    shared.mkdir()
    mount = f"mount -t tmpfs tmpfs {shared} && mount --make-shared {shared} && mkdir {shared}/below"
    assert docker.begin("sh", "-c", mount, raw=True).finish().code == 0
    option = f"type=bind,source={shared},destination=/v,bind-propagation=rslave"
    docker.must("run", "-d", "--name", "cc", "--mount", option, IMAGE, "sleep", "1000")
    assert docker.begin("mount", "-t", "tmpfs", "later", f"{shared}/below", raw=True).finish().code == 0
    assert "later" in docker.out("exec", "cc", "grep", "/v/below", "/proc/self/mountinfo")
    docker.must("rm", "-f", "cc")
    assert docker.begin("umount", "-R", str(shared), raw=True).finish().code == 0


def test_containers_outlive_a_restart_of_the_daemon(docker: Docker) -> None:
    docker.must("run", "-d", "--name", "cc", IMAGE, "sleep", "1000")
    before = docker.out("inspect", "--format", "{{.State.Pid}}", "cc")
    docker.restart()
    assert docker.out("inspect", "--format", "{{.State.Pid}}", "cc") == before
    docker.must("exec", "cc", "true")
    docker.must("stop", "-t", "0", "cc")


def test_buildkit_runs_its_steps(docker: Docker) -> None:
    context = docker.site.folder / "buildkit"
    context.mkdir()
    (context / "file").write_text("copied\n")
    recipe = f"FROM {IMAGE}\nCOPY file /file\nRUN cat /file >/made && id -u >>/made\nCMD cat /made\n"
    (context / "Dockerfile").write_text(recipe)
    build = [
        "env",
        "DOCKER_BUILDKIT=1",
        *docker.words,
        "build",
        "--network",
        "none",
        "-t",
        "built",
        str(context),
    ]
    result = docker.begin(*build, raw=True).finish(120)
    assert result.code == 0, str(result)
    assert docker.out("run", "--rm", "built") == "copied\n0"
    docker.must("rmi", "built")


def test_a_failing_step_fails_buildkit(docker: Docker) -> None:
    context = docker.site.folder / "buildkit-failing"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN exit 9\n")
    build = [
        "env",
        "DOCKER_BUILDKIT=1",
        *docker.words,
        "build",
        "--network",
        "none",
        "-t",
        "built",
        str(context),
    ]
    result = docker.begin(*build, raw=True).finish(120)
    assert result.code == 1
    assert "exit code: 9" in result.err


def test_signals_reach_the_program_through_docker(docker: Docker) -> None:
    program = ["sh", "-c", "trap 'echo got; exit 5' TERM; echo up; sleep 1000 & wait"]
    running = docker.begin("run", "--name", "cc", IMAGE, *program)
    docker.until(lambda _: "up" in running.out, "ps")
    listed = docker.begin("ps", "-e", "-o", "pid=,args=", raw=True).finish().out.splitlines()
    client = next(
        line.split()[0] for line in listed if line.split()[1] == docker.words[0] and " run " in line
    )
    docker.begin("kill", "-TERM", client, raw=True).finish()
    result = running.finish()
    assert (result.code, result.out) == (5, "up\ngot\n")


def test_a_terminal_is_resized(docker: Docker) -> None:
    script = "until stty size 2>/dev/null | grep '[1-9]'; do :; done"
    shown = docker.typed("run", "--rm", "-it", IMAGE, "sh", "-c", script, lines="", size=(40, 100))
    assert "40 100" in shown


RARE_LIMITS = {
    "reservation": (["--memory-reservation", "32m"], "memory/memory.soft_limit_in_bytes", str(32 << 20)),
    "swappiness": (["--memory-swappiness", "10"], "memory/memory.swappiness", "10"),
    "oom-kill": (
        ["--memory", "64m", "--oom-kill-disable"],
        "memory/memory.oom_control",
        "oom_kill_disable 1",
    ),
    "cpu-period": (["--cpu-period", "50000", "--cpu-quota", "25000"], "cpu/cpu.cfs_period_us", "50000"),
    "cpuset-mems": (["--cpuset-mems", "0"], "cpuset/cpuset.mems", "0"),
    "blkio": (["--device-read-bps", "/dev/vda:1mb"], "blkio/blkio.throttle.read_bps_device", None),
}


@pytest.mark.views("hybrid")
@pytest.mark.parametrize("case", RARE_LIMITS)
def test_run_limits(docker: Docker, case: str) -> None:
    flags, file, wanted = RARE_LIMITS[case]
    shown = docker.out("run", "--rm", *flags, IMAGE, "cat", f"/sys/fs/cgroup/{file}").split("\n")[0]
    assert shown.endswith(" 1048576") if wanted is None else shown == wanted


@pytest.mark.views("hybrid")
def test_update_changes_every_kind_of_limit(docker: Docker) -> None:
    docker.must("run", "-d", "--name", "cc", "--memory", "64m", IMAGE, "sleep", "1000")
    options = [
        "--cpu-shares",
        "256",
        "--cpuset-cpus",
        "0",
        "--pids-limit",
        "33",
        "--memory-reservation",
        "32m",
    ]
    docker.must("update", *options, "cc")
    files = ["cpu/cpu.shares", "cpuset/cpuset.cpus", "pids/pids.max", "memory/memory.soft_limit_in_bytes"]
    shown = docker.out("exec", "cc", "cat", *(f"/sys/fs/cgroup/{file}" for file in files))
    assert shown.split() == ["256", "0", "33", str(32 << 20)]
