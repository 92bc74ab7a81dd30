# SPDX-License-Identifier: Apache-2.0
"""containerd: ctr and the runc v2 shim, which calls the runtime for each task and reads its cgroups itself."""

from __future__ import annotations

import json
import re

import pytest

from clients.containerd import Containerd

SHOWN = {
    "stdout": ([], ["echo", "hi"], "hi"),
    "env-and-cwd": (["--env", "KEY=a b", "--cwd", "/tmp"], ["sh", "-c", "echo $KEY; pwd"], "a b\n/tmp"),
    "read-only": (["--read-only"], ["sh", "-c", "touch /x 2>/dev/null || echo refused"], "refused"),
    "privileged": (["--privileged"], ["sh", "-c", "test -w /proc/sys/kernel/panic && echo may"], "may"),
    "seccomp": (["--seccomp"], ["grep", "Seccomp:", "/proc/self/status"], "Seccomp:\t2"),
    "device": (
        ["--device", "/dev/full"],
        ["stat", "-c", "%F %t %T", "/dev/full"],
        "character special file 1 7",
    ),
    "no-pivot": (["--no-pivot"], ["echo", "hi"], "hi"),
    "user-namespace": (
        ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"],
        ["sh", "-c", "tr -s ' ' </proc/self/uid_map; id -u"],
        " 0 100000 65536\n0",
    ),
    "capabilities": (
        ["--cap-drop", "CAP_CHOWN"],
        ["sh", "-c", "touch /x; chown 1 /x 2>/dev/null || echo no"],
        "no",
    ),
    "root-is-not-shared": ([], ["sh", "-c", "grep -c ' / / .*shared' /proc/self/mountinfo; true"], "0"),
    "no-descriptors": ([], ["ls", "/proc/self/fd"], "0\n1\n2\n3"),
}


@pytest.mark.parametrize("case", SHOWN)
def test_run_shows(containerd: Containerd, case: str) -> None:
    flags, program, wanted = SHOWN[case]
    result = containerd.call(*containerd.run("c", *program, flags=("--rm", *flags)))
    assert (result.code, result.out.rstrip("\n"), result.err) == (0, wanted, "")


LIMITS = {
    "memory": (["--memory-limit", str(64 << 20)], "memory/memory.limit_in_bytes", str(64 << 20)),
    "cpus": (["--cpus", "0.5"], "cpu/cpu.cfs_quota_us", "50000"),
    "shares": (["--cpu-shares", "512"], "cpu/cpu.shares", "512"),
}


@pytest.mark.views("hybrid")
@pytest.mark.parametrize("case", LIMITS)
def test_run_limits(containerd: Containerd, case: str) -> None:
    flags, file, wanted = LIMITS[case]
    mount = "type=bind,src=/sys/fs/cgroup,dst=/tmp,options=rbind:ro"
    program = ["cat", f"/tmp/{file.split('/')[0]}{containerd.site.cgroup}/c/{file.split('/')[1]}"]
    result = containerd.must(*containerd.run("c", *program, flags=("--rm", "--mount", mount, *flags)))
    assert result.out.strip() == wanted


def test_run_mounts(containerd: Containerd) -> None:
    volume = containerd.site.folder / "volume"
    volume.mkdir(exist_ok=True)
    mount = f"type=bind,src={volume},dst=/volume,options=rbind:rw"
    containerd.must(*containerd.run("c", "touch", "/volume/x", flags=("--rm", "--mount", mount)))
    assert (volume / "x").exists()


def test_run_in_the_hosts_network(containerd: Containerd) -> None:
    of_site = containerd.begin("readlink", "/proc/self/ns/net", raw=True).finish().out
    program = ["readlink", "/proc/self/ns/net"]
    assert containerd.must(*containerd.run("c", *program, flags=("--rm", "--net-host"))).out == of_site


def test_run_reads_standard_input(containerd: Containerd) -> None:
    assert containerd.must(*containerd.run("c", "head", "-c", "7"), stdin=b"through").out == "through"


def test_run_has_a_terminal(containerd: Containerd) -> None:
    words = containerd.run("c", "sh", flags=("--rm", "-t"))
    assert "/dev/pts/0" in containerd.typed(*words, lines="tty; exit\n")


def test_exit_code_of_run(containerd: Containerd) -> None:
    assert containerd.call(*containerd.run("c", "sh", "-c", "exit 7")).code == 7


FAULTS = {
    "missing": ["/bin/absent"],
    "missing-in-path": ["absent"],
    "not-executable": ["/etc/passwd"],
}


@pytest.mark.parametrize("case", FAULTS)
def test_the_reason_is_the_runtimes_last_error(containerd: Containerd, case: str) -> None:
    result = containerd.call(*containerd.run("c", *FAULTS[case]))
    assert result.code == 1
    assert re.search(
        f"ctr: failed to create shim task: OCI runtime create failed: .*{FAULTS[case][0]}", result.err
    )


@pytest.fixture
def sleeper(containerd: Containerd) -> Containerd:
    """containerd with a task `c` that waits."""
    containerd.must(*containerd.run("c", "sleep", "1000", flags=("-d",)))
    return containerd


def status(containerd: Containerd) -> str:
    """The status word of `c`, or "" when there is no such task."""
    lines = [line.split() for line in containerd.out("task", "ls").splitlines()]
    return next((line[2] for line in lines if line[0] == "c"), "")


def end(containerd: Containerd) -> None:
    """Kill `c` and wait until containerd has seen its end."""
    containerd.must("task", "kill", "-s", "KILL", "c")
    containerd.until(lambda out: "STOPPED" in out, "task", "ls")


def test_a_killed_task_is_deleted_with_its_code(sleeper: Containerd) -> None:
    assert status(sleeper) == "RUNNING"
    end(sleeper)
    assert "exit code 137" in sleeper.must("task", "delete", "c").err
    sleeper.must("container", "delete", "c")
    assert status(sleeper) == ""


def test_kill_sends_the_signal_by_name(containerd: Containerd) -> None:
    program = ["sh", "-c", "trap 'exit 5' USR1; touch /up; sleep 1000 & wait"]
    containerd.must(*containerd.run("c", *program, flags=("-d",)))
    containerd.until(lambda out: "up" in out, "task", "exec", "--exec-id", "look", "c", "ls", "/")
    containerd.must("task", "kill", "-s", "USR1", "c")
    containerd.until(lambda out: "STOPPED" in out, "task", "ls")
    assert "exit code 5" in containerd.must("task", "delete", "c").err


def test_kill_of_what_has_ended_says_so(sleeper: Containerd) -> None:
    end(sleeper)
    result = sleeper.call("task", "kill", "-s", "KILL", "c")
    assert "not found" in result.err


def test_kill_all_reaches_every_process(sleeper: Containerd) -> None:
    sleeper.must("task", "exec", "-d", "--exec-id", "e", "c", "sleep", "2000")
    sleeper.must("task", "kill", "-a", "-s", "KILL", "c")
    sleeper.until(lambda out: "STOPPED" in out, "task", "ls")


def test_a_running_task_is_not_deleted_but_by_force(sleeper: Containerd) -> None:
    assert sleeper.call("task", "delete", "c").code != 0
    assert status(sleeper) == "RUNNING"
    sleeper.call("task", "delete", "-f", "c")
    assert status(sleeper) == ""


def test_pause_freezes_and_resume_thaws(sleeper: Containerd) -> None:
    sleeper.must("task", "pause", "c")
    assert status(sleeper) == "PAUSED"
    sleeper.must("task", "resume", "c")
    assert status(sleeper) == "RUNNING"
    sleeper.must("task", "exec", "--exec-id", "e", "c", "true")


EXEC = {
    "stdout": ([], ["echo", "hi"], 0, "hi\n"),
    "user-and-cwd": (["--user", "7:8", "--cwd", "/tmp"], ["sh", "-c", "id -u; pwd"], 0, "7\n/tmp\n"),
    "exit-code": ([], ["sh", "-c", "exit 9"], 9, ""),
    "signal": ([], ["sh", "-c", "kill -9 $$"], 137, ""),
    "same-pid-namespace": ([], ["cat", "/proc/1/comm"], 0, "sleep\n"),
}


@pytest.mark.parametrize("case", EXEC)
def test_exec_shows(sleeper: Containerd, case: str) -> None:
    flags, program, code, out = EXEC[case]
    result = sleeper.call("task", "exec", "--exec-id", "e", *flags, "c", *program)
    assert (result.code, result.out) == (code, out)


def test_exec_of_what_is_missing_names_it(sleeper: Containerd) -> None:
    result = sleeper.call("task", "exec", "--exec-id", "e", "c", "/bin/absent")
    assert result.code == 1
    assert re.search("OCI runtime exec failed: .*/bin/absent.* no such file or directory", result.err)


def test_exec_has_a_terminal(sleeper: Containerd) -> None:
    words = ["task", "exec", "--exec-id", "e", "-t", "c", "sh"]
    assert "/dev/pts/" in sleeper.typed(*words, lines="tty; exit\n")


def test_exec_reads_standard_input(sleeper: Containerd) -> None:
    assert sleeper.must("task", "exec", "--exec-id", "e", "c", "cat", stdin=b"through").out == "through"


def test_a_second_exec_runs_beside_the_first(sleeper: Containerd) -> None:
    sleeper.must("task", "exec", "-d", "--exec-id", "first", "c", "sleep", "2000")
    assert "sleep 2000" in sleeper.must("task", "exec", "--exec-id", "e", "c", "ps").out


def test_ps_lists_the_processes(sleeper: Containerd) -> None:
    sleeper.must("task", "exec", "-d", "--exec-id", "first", "c", "sleep", "2000")
    lines = sleeper.out("task", "ps", "c").splitlines()[1:]
    shown = [int(line.split()[0]) for line in lines]
    names = sleeper.begin("cat", *(f"/proc/{pid}/comm" for pid in shown), raw=True).finish().out
    assert names == "sleep\nsleep\n"


def test_metrics_are_read(sleeper: Containerd) -> None:
    shown = json.loads(sleeper.out("task", "metrics", "--format", "json", "c"))
    if sleeper.site.view != "v2":  # which has no controllers here
        assert shown["pids"]["current"] == 1


def test_the_cgroup_is_the_one_that_was_asked_for(sleeper: Containerd) -> None:
    asked = f"{sleeper.site.cgroup}/c"
    pid = sleeper.out("task", "ls").splitlines()[1].split()[1]
    shown = sleeper.begin("cat", f"/proc/{pid}/cgroup", raw=True).finish().out.splitlines()
    lines = [line for line in shown if line.startswith("0::")] if sleeper.site.view == "v2" else shown
    assert {line.split(":", 2)[2] for line in lines} == {asked}


def test_a_name_is_taken_once(sleeper: Containerd) -> None:
    result = sleeper.call(*sleeper.run("c", "true"))
    assert "already exists" in result.err


def test_a_task_whose_init_dies_is_seen_to_end(sleeper: Containerd) -> None:
    pid = sleeper.out("task", "ls").splitlines()[1].split()[1]
    sleeper.begin("kill", "-9", pid, raw=True).finish()
    sleeper.until(lambda out: "STOPPED" in out, "task", "ls")


def test_twenty_side_by_side(containerd: Containerd) -> None:
    programs = [("sh", "-c", f"echo {n}; exit {n}") for n in range(20)]
    calls = [containerd.begin(*containerd.run(f"c{n}", *program)) for n, program in enumerate(programs)]
    results = [call.finish(120) for call in calls]
    assert [(r.code, r.out, r.err) for r in results] == [(n, f"{n}\n", "") for n in range(20)]


def test_many_in_a_row(containerd: Containerd) -> None:
    for n in range(200):
        assert containerd.out(*containerd.run("c", "echo", str(n))) == str(n)
