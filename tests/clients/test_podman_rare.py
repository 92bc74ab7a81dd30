# SPDX-License-Identifier: Apache-2.0
"""podman's rarer options: hooks, propagation, shared namespaces, no cgroups, sockets of systemd, a dead monitor."""

from __future__ import annotations

import json
import re
import socket

import pytest

from clients.client import IMAGE
from clients.podman import Podman
from support.processes import readable

DENY_MKDIR = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 17}],
}

SHOWN = {
    "tmpfs-copies-what-was-there": (["--tmpfs", "/etc"], ["cut", "-d:", "-f1", "/etc/group"], "root"),
    "unmask": (
        ["--security-opt", "unmask=/proc/keys"],
        ["sh", "-c", "grep -q . /proc/keys && echo seen"],
        "seen",
    ),
    "unmask-all": (
        ["--security-opt", "unmask=ALL"],
        ["sh", "-c", "grep -c ' /proc/[^ ]* ' /proc/self/mountinfo; true"],
        "0",
    ),
    "tmpfs-mount": (
        ["--mount", "type=tmpfs,destination=/t,tmpfs-size=1m,tmpfs-mode=0711"],
        ["sh", "-c", "stat -c %a /t"],
        "711",
    ),
    "cgroup-namespace": (
        ["--cgroupns", "private"],
        ["sh", "-c", "cut -d: -f3 /proc/self/cgroup | sort -u"],
        "/",
    ),
    "no-tmpfs-when-read-only": (
        ["--read-only", "--read-only-tmpfs=false"],
        ["sh", "-c", "touch /tmp/x 2>/dev/null || echo refused"],
        "refused",
    ),
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
    "image-volume": (
        ["--mount", f"type=image,source={IMAGE},destination=/i"],
        ["ls", "/i/etc"],
        "group\npasswd",
    ),
}


@pytest.mark.parametrize("case", SHOWN)
def test_run_shows(podman: Podman, case: str) -> None:
    flags, program, wanted = SHOWN[case]
    assert podman.out("run", "--rm", *flags, IMAGE, *program) == wanted


OPTIONS = {
    "nosuid,nodev,noexec": {"nosuid", "nodev", "noexec"},
    "ro": {"ro"},
    "exec,suid,dev": set(),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_volume_has_its_options(podman: Podman, options: str) -> None:
    volume = podman.site.folder / "options"
    volume.mkdir(exist_ok=True)
    line = podman.out(
        "run", "--rm", "-v", f"{volume}:/v:{options}", IMAGE, "grep", " /v ", "/proc/self/mountinfo"
    )
    assert set(line.split()[5].split(",")) & {"nosuid", "nodev", "noexec", "ro"} == OPTIONS[options]


def test_an_overlay_volume_keeps_its_source(podman: Podman) -> None:
    volume = podman.site.folder / "lower"
    volume.mkdir()
    (volume / "there").touch()
    assert (
        podman.out("run", "--rm", "-v", f"{volume}:/v:O", IMAGE, "sh", "-c", "touch /v/new; ls /v")
        == "new\nthere"
    )
    assert [p.name for p in volume.iterdir()] == ["there"]


def test_mounts_of_the_host_reach_a_shared_volume(podman: Podman) -> None:
    shared = podman.site.folder / "shared"
    shared.mkdir()
    mount = [
        "sh",
        "-c",
        f"mount -t tmpfs tmpfs {shared} && mount --make-shared {shared} && mkdir {shared}/below",
    ]
    assert podman.begin(*mount, raw=True).finish().code == 0
    option = f"type=bind,source={shared},destination=/v,bind-propagation=rslave"
    podman.must("run", "-d", "--name", "c", "--mount", option, IMAGE, "sleep", "1000")
    assert podman.begin("mount", "-t", "tmpfs", "later", f"{shared}/below", raw=True).finish().code == 0
    assert "later" in podman.out("exec", "c", "grep", "/v/below", "/proc/self/mountinfo")
    podman.must("rm", "-f", "-t", "0", "c")
    assert podman.begin("umount", "-R", str(shared), raw=True).finish().code == 0


def test_a_profile_of_ones_own_filters_calls(podman: Podman) -> None:
    profile = podman.site.folder / "profile.json"
    profile.write_text(json.dumps(DENY_MKDIR))
    result = podman.call("run", "--rm", "--security-opt", f"seccomp={profile}", IMAGE, "mkdir", "/new")
    assert (result.code, result.err.strip()) == (1, "mkdir: can't create directory '/new': File exists")


SHARED = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "cgroupns": "cgroup"}


@pytest.mark.parametrize("option", SHARED)
def test_a_namespace_of_another_container(podman: Podman, option: str) -> None:
    podman.must("run", "-d", "--name", "c", "--ipc", "shareable", IMAGE, "sleep", "1000")
    link = f"/proc/self/ns/{SHARED[option]}"
    joined = podman.out("run", "--rm", f"--{option}=container:c", IMAGE, "readlink", link)
    assert joined == podman.out("exec", "c", "readlink", link)


STAGES = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def test_hooks_get_the_state_in_order(podman: Podman) -> None:
    folder, told = podman.site.folder / "hooks", podman.site.folder / "told"
    folder.mkdir()
    told.mkdir()
    inside = ("createContainer", "startContainer")
    for stage in (s for s in STAGES if s not in inside):
        script = f"{{ echo {stage}; cat; echo; }} >>{told}/host"
        hook = {"path": "/bin/sh", "args": ["sh", "-c", script]}
        kind = {"version": "1.0.0", "hook": hook, "when": {"always": True}, "stages": [stage]}
        (folder / f"{stage}.json").write_text(json.dumps(kind))
    words = podman.argv(["run", "--rm", "--name", "c", IMAGE, "true"])
    words[1:1] = ["--hooks-dir", str(folder)]
    assert podman.begin(*words, raw=True).finish().code == 0
    lines = (told / "host").read_text().split("\n")
    states = [json.loads(line) for line in lines[1::2]]
    assert lines[::2][:-1] == ["prestart", "createRuntime", "poststart", "poststop"]
    after_start = "created" if podman.words[-1].endswith("runc") else "running"  # which the spec asks for
    assert [s["status"] for s in states] == ["creating", "creating", after_start, "stopped"]
    assert len({s["id"] for s in states}) == 1
    assert all(s["pid"] for s in states[:3])


def test_a_failed_hook_fails_the_start(podman: Podman) -> None:
    folder = podman.site.folder / "failing-hooks"
    folder.mkdir()
    hook = {"path": "/bin/sh", "args": ["sh", "-c", "echo sorry >&2; exit 3"]}
    kind = {"version": "1.0.0", "hook": hook, "when": {"always": True}, "stages": ["createRuntime"]}
    (folder / "failing.json").write_text(json.dumps(kind))
    words = podman.argv(["run", "--rm", IMAGE, "true"])
    words[1:1] = ["--hooks-dir", str(folder)]
    result = podman.begin(*words, raw=True).finish()
    assert result.code in (125, 126)
    assert re.search("exit (status|code) 3", result.err)


def test_a_container_tells_systemd_that_it_is_ready(podman: Podman) -> None:
    path = podman.site.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(path))
        program = ["sh", "-c", 'test -S "$NOTIFY_SOCKET" && sleep 1000']
        environ = ["env", f"NOTIFY_SOCKET={path}"]
        words = podman.argv(["run", "-d", "--name", "c", "--sdnotify", "conmon", IMAGE, *program])
        result = podman.begin(*environ, *words, raw=True).finish()
        assert result.code == 0, str(result)
        assert readable(listening.fileno(), 10)
        assert b"READY=1" in listening.recv(4096)


def test_sockets_that_systemd_opened_reach_the_program(podman: Podman) -> None:
    words = podman.argv(
        ["run", "--rm", IMAGE, "sh", "-c", "echo $LISTEN_FDS $LISTEN_PID; readlink /proc/self/fd/3"]
    )
    script = 'exec 3</etc/hostname; export LISTEN_FDS=1 LISTEN_PID=$$; exec "$@"'
    result = podman.begin("sh", "-c", script, "sh", *words, raw=True).finish()
    assert (result.code, result.out.split()) == (0, ["1", "1", "/etc/hostname"]), str(result)


@pytest.mark.not_on("runc", "podman gives it no container without a cgroup")
def test_without_cgroups_the_container_stays_where_podman_is(podman: Podman) -> None:
    of_site = podman.begin("cat", "/proc/self/cgroup", raw=True).finish().out
    words = [
        *podman.words,
        "run",
        "--rm",
        "--cgroups=disabled",
        "--cgroupns=host",
        IMAGE,
        "cat",
        "/proc/self/cgroup",
    ]
    result = podman.begin(*words, raw=True).finish()
    assert (result.code, result.out) == (0, of_site), str(result)


def test_a_root_of_ones_own(podman: Podman) -> None:
    root = podman.site.folder / "root"
    podman.must("create", "--name", "c", IMAGE, "true")
    export = 'mkdir "$1"; shift; "$@" export c | tar -x -C ' + str(root)
    assert podman.begin("sh", "-c", export, "sh", str(root), *podman.words, raw=True).finish().code == 0
    assert podman.out("run", "--rm", "--rootfs", str(root), "echo", "hi") == "hi"


def test_stop_sends_the_signal_that_was_chosen(podman: Podman) -> None:
    program = ["sh", "-c", "trap 'exit 5' USR1; echo up; sleep 1000 & wait"]
    podman.must("run", "-d", "--name", "c", "--stop-signal", "USR1", IMAGE, *program)
    podman.until(lambda out: "up" in out, "logs", "c")
    podman.must("stop", "c")
    assert podman.out("inspect", "--format", "{{.State.ExitCode}}", "c") == "5"


def test_a_container_whose_init_dies_is_seen_to_end(podman: Podman) -> None:
    podman.must("run", "-d", "--name", "c", IMAGE, "sleep", "1000")
    pid = podman.out("inspect", "--format", "{{.State.Pid}}", "c")
    podman.begin("kill", "-9", pid, raw=True).finish()
    assert podman.out("wait", "c") == "137"


def test_a_checkpoint_is_refused_and_the_container_runs_on(podman: Podman) -> None:
    podman.must("run", "-d", "--name", "c", IMAGE, "sleep", "1000")
    assert podman.call("container", "checkpoint", "c").code == 125
    assert podman.out("inspect", "--format", "{{.State.Status}}", "c") == "running"


def test_signals_reach_the_program_through_podman(podman: Podman) -> None:
    program = ["sh", "-c", "trap 'echo got; exit 5' TERM; echo up; sleep 1000 & wait"]
    running = podman.begin("run", "--name", "c", IMAGE, *program)
    podman.until(lambda _: "up" in running.out, "ps")  # only then podman relays signals
    podman.begin("kill", "-TERM", own_podman(podman), raw=True).finish()
    result = running.finish()
    assert (result.code, result.out) == (5, "up\ngot\n")


def own_podman(podman: Podman) -> str:
    """The pid, as the site numbers it, of the podman that waits in the foreground."""
    listed = podman.begin("ps", "-e", "-o", "pid=,args=", raw=True).finish().out.splitlines()
    return next(line.split()[0] for line in listed if line.split()[1] == "podman" and " run " in line)


RARE_LIMITS = {
    "swap": (
        ["--memory", "64m", "--memory-swap", "96m"],
        "memory/memory.memsw.limit_in_bytes",
        str(96 << 20),
    ),
    "swappiness": (["--memory-swappiness", "10"], "memory/memory.swappiness", "10"),
    "oom-kill": (
        ["--memory", "64m", "--oom-kill-disable"],
        "memory/memory.oom_control",
        "oom_kill_disable 1",
    ),
    "cpu-period": (["--cpu-period", "50000", "--cpu-quota", "25000"], "cpu/cpu.cfs_period_us", "50000"),
    "cpuset-mems": (["--cpuset-mems", "0"], "cpuset/cpuset.mems", "0"),
}


@pytest.mark.views("hybrid")
@pytest.mark.parametrize("case", RARE_LIMITS)
def test_run_limits(podman: Podman, case: str) -> None:
    flags, file, wanted = RARE_LIMITS[case]
    assert podman.out("run", "--rm", *flags, IMAGE, "cat", f"/sys/fs/cgroup/{file}").split("\n")[0] == wanted
