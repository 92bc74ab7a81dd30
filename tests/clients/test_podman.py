# SPDX-License-Identifier: Apache-2.0
"""podman: what options make of the container, and which exit codes it takes from the runtime's words."""

from __future__ import annotations

import pytest

from clients.client import IMAGE
from clients.podman import Podman

SHOWN = {
    "stdout": ([], ["echo", "hi"], "hi"),
    "user": (["--user", "1000:1001"], ["sh", "-c", "id -u; id -g"], "1000\n1001"),
    "groups": (["--user", "1000", "--group-add", "77"], ["id", "-G"], "0 77"),
    "no-capabilities": (["--cap-drop", "all"], ["grep", "CapEff", "/proc/self/status"], f"CapEff:\t{0:016x}"),
    "one-capability": (
        ["--cap-drop", "all", "--cap-add", "NET_ADMIN"],
        ["grep", "CapEff", "/proc/self/status"],
        f"CapEff:\t{1 << 12:016x}",
    ),
    "no-new-privileges": (
        ["--security-opt", "no-new-privileges"],
        ["grep", "NoNewPrivs", "/proc/self/status"],
        "NoNewPrivs:\t1",
    ),
    "read-only": (["--read-only"], ["sh", "-c", "touch /x 2>/dev/null || echo refused"], "refused"),
    "read-only-tmp": (["--read-only"], ["sh", "-c", "touch /tmp/x && echo written"], "written"),
    "tmpfs": (
        ["--tmpfs", "/scratch:size=1m,mode=1777"],
        ["sh", "-c", "stat -c %a /scratch; df -k /scratch | tail -1 | tr -s ' ' | cut -d' ' -f1,2"],
        "1777\ntmpfs 1024",
    ),
    "hostname": (["--hostname", "web"], ["hostname"], "web"),
    "sysctl": (["--sysctl", "kernel.msgmax=4096"], ["cat", "/proc/sys/kernel/msgmax"], "4096"),
    "shm-size": (["--shm-size", "1m"], ["sh", "-c", "df -k /dev/shm | grep -o 1024 | head -1"], "1024"),
    "env": (["--env", "KEY=a b"], ["sh", "-c", "echo $KEY"], "a b"),
    "workdir": (["--workdir", "/tmp"], ["pwd"], "/tmp"),
    "init": (["--init"], ["cat", "/proc/1/comm"], "podman-init"),
    "ulimit": (
        ["--ulimit", "nofile=512:1024", "--ulimit", "nproc=100:100"],
        ["sh", "-c", "ulimit -n; ulimit -Hn"],
        "512\n1024",
    ),
    "device": (
        ["--device", "/dev/full:/dev/filled:r"],
        ["stat", "-c", "%F %t %T", "/dev/filled"],
        "character special file 1 7",
    ),
    "uidmap": (
        ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"],
        ["sh", "-c", "tr -s ' ' </proc/self/uid_map; id -u"],
        " 0 100000 65536\n0",
    ),
    "network-none": ([], ["ls", "/sys/class/net"], "lo"),
    "masked": ([], ["sh", "-c", "wc -c </proc/keys"], "0"),
    "mask-more": (
        ["--security-opt", "mask=/proc/version"],
        ["sh", "-c", "wc -c </proc/version"],
        "0",
    ),
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
    "systemd": (
        ["--systemd", "always"],
        ["sh", "-c", "echo $container; mount | grep -c ' on /run '"],
        "podman\n1",
    ),
    "privileged": (
        ["--privileged"],
        ["sh", "-c", "test -w /proc/sys/kernel/panic && echo writable"],
        "writable",
    ),
    "oom-score": (["--oom-score-adj", "500"], ["cat", "/proc/self/oom_score_adj"], "500"),
    "umask": (["--umask", "0077"], ["sh", "-c", "umask"], "0077"),
    "entrypoint": (["--entrypoint", "/bin/echo"], ["of", "its", "own"], "of its own"),
    "no-descriptors": ([], ["ls", "/proc/self/fd"], "0\n1\n2\n3"),  # 3 is how ls reads the folder
}


@pytest.mark.parametrize("case", SHOWN)
def test_run_shows(podman: Podman, case: str) -> None:
    flags, program, wanted = SHOWN[case]
    assert podman.out("run", "--rm", *flags, IMAGE, *program) == wanted


@pytest.mark.not_on("runc", "it hands on that signal 32 is ignored, which posix_spawn of glibc leaves so")
def test_run_resets_signals(podman: Podman) -> None:
    shown = podman.out("run", "--rm", IMAGE, "grep", "-E", "Sig(Blk|Ign|Cgt)", "/proc/self/status")
    assert shown == "\n".join(f"{name}:\t{0:016x}" for name in ("SigBlk", "SigIgn", "SigCgt"))


HOST = {"pid": "pid", "ipc": "ipc", "uts": "uts", "net": "net", "cgroupns": "cgroup"}


@pytest.mark.parametrize("option", HOST)
def test_run_in_a_namespace_of_the_host(podman: Podman, option: str) -> None:
    of_site = podman.begin("readlink", f"/proc/self/ns/{HOST[option]}", raw=True).finish().out.strip()
    shown = podman.out("run", "--rm", f"--{option}=host", IMAGE, "readlink", f"/proc/self/ns/{HOST[option]}")
    assert shown == of_site


LIMITS = {
    "memory": (["--memory", "64m"], "memory/memory.limit_in_bytes", str(64 << 20)),
    "reservation": (
        ["--memory-reservation", "32m"],
        "memory/memory.soft_limit_in_bytes",
        str(32 << 20),
    ),
    "pids": (["--pids-limit", "50"], "pids/pids.max", "50"),
    "cpus": (["--cpus", "0.5"], "cpu/cpu.cfs_quota_us", "50000"),
    "cpu-shares": (["--cpu-shares", "512"], "cpu/cpu.shares", "512"),
    "cpuset": (["--cpuset-cpus", "0"], "cpuset/cpuset.cpus", "0"),
    "blkio": (["--device-read-bps", "/dev/vda:1mb"], "blkio/blkio.throttle.read_bps_device", None),
}


@pytest.mark.views("hybrid")
@pytest.mark.parametrize("case", LIMITS)
def test_run_limits(podman: Podman, case: str) -> None:
    flags, file, wanted = LIMITS[case]
    shown = podman.out("run", "--rm", *flags, IMAGE, "cat", f"/sys/fs/cgroup/{file}")
    assert shown.endswith(" 1048576") if wanted is None else shown == wanted


@pytest.mark.parametrize(("options", "wanted"), [("", "written"), (":ro", "refused")])
def test_run_mounts_a_volume(podman: Podman, options: str, wanted: str) -> None:
    volume = podman.site.folder / f"volume{options.replace(':', '-')}"
    volume.mkdir()
    script = "touch /volume/x 2>/dev/null && echo written || echo refused"
    assert podman.out("run", "--rm", "-v", f"{volume}:/volume{options}", IMAGE, "sh", "-c", script) == wanted
    assert (volume / "x").exists() == (wanted == "written")


def test_a_named_volume_takes_what_the_image_has_there(podman: Podman) -> None:
    assert podman.out("run", "--rm", "-v", "kept:/etc", IMAGE, "cat", "/etc/group") == "root:x:0:"
    podman.must("volume", "rm", "kept")


def test_run_reads_standard_input(podman: Podman) -> None:
    assert podman.must("run", "--rm", "-i", IMAGE, "cat", stdin=b"through").out == "through"


def test_run_has_a_terminal(podman: Podman) -> None:
    shown = podman.typed("run", "--rm", "-it", IMAGE, "sh", lines="tty; exit\n")
    assert "/dev/pts/0" in shown


CODES = {
    "of-the-program": (["sh", "-c", "exit 7"], 7),
    "missing": (["/bin/absent"], 127),
    "missing-in-path": (["absent"], 127),
    "not-executable": (["/etc/passwd"], 126),
    "a-folder": (["/etc"], 126),
}


@pytest.mark.parametrize("case", CODES)
def test_exit_code_of_run(podman: Podman, case: str) -> None:
    program, wanted = CODES[case]
    assert podman.call("run", "--rm", IMAGE, *program).code == wanted


@pytest.mark.parametrize("case", CODES)
def test_exit_code_of_a_detached_run(podman: Podman, case: str) -> None:
    program, wanted = CODES[case]
    started = podman.call("run", "-d", "--name", "c", IMAGE, *program)
    if wanted in (126, 127):
        assert started.code == wanted
    else:
        assert podman.out("wait", "c") == str(wanted)


@pytest.mark.parametrize("case", CODES)
def test_exit_code_of_exec(podman: Podman, case: str) -> None:
    program, wanted = CODES[case]
    podman.must("run", "-d", "--name", "c", IMAGE, "sleep", "1000")
    assert podman.call("exec", "c", *program).code == wanted


def test_what_cannot_be_mounted_exits_with_podmans_own_code(podman: Podman) -> None:
    absent = podman.site.folder / "absent"
    assert podman.call("run", "--rm", "-v", f"{absent}:/x", IMAGE, "true").code == 125


def test_the_reason_is_shown(podman: Podman) -> None:
    result = podman.call("run", "--rm", IMAGE, "/bin/absent")
    assert "/bin/absent" in result.err
