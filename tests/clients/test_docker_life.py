# SPDX-License-Identifier: Apache-2.0
"""Docker: the life of a container from run to rm, and what is done to it meanwhile."""

from __future__ import annotations

import json

import pytest

from clients.client import IMAGE
from clients.docker import Docker

WAITING = ["sh", "-c", "trap 'exit 3' TERM; trap 'exit 5' USR1; echo up; sleep 1000 & wait"]


@pytest.fixture
def sleeper(docker: Docker) -> Docker:
    """Docker with a container `cc` that waits for a signal."""
    docker.must("run", "-d", "--name", "cc", IMAGE, *WAITING)
    docker.until(lambda out: "up" in out, "logs", "cc")
    return docker


def state(docker: Docker, key: str) -> str:
    """One word of the state of `cc`."""
    return docker.out("inspect", "--format", f"{{{{.State.{key}}}}}", "cc")


def test_a_detached_container_runs_until_it_is_removed(sleeper: Docker) -> None:
    assert state(sleeper, "Status") == "running"
    assert sleeper.out("ps", "--format", "{{.Names}}") == "cc"
    sleeper.must("rm", "-f", "cc")
    assert sleeper.out("ps", "-aq") == ""


def test_logs_show_both_streams(docker: Docker) -> None:
    docker.must("run", "--name", "cc", IMAGE, "sh", "-c", "echo out; echo err >&2")
    result = docker.must("logs", "cc")
    assert (result.out, result.err) == ("out\n", "err\n")


def test_stop_ends_it_by_the_signal_it_waits_for(sleeper: Docker) -> None:
    sleeper.must("stop", "cc")
    assert state(sleeper, "ExitCode") == "3"


def test_stop_kills_what_does_not_listen(docker: Docker) -> None:
    docker.must("run", "-d", "--name", "cc", IMAGE, "sleep", "1000")
    docker.must("stop", "-t", "1", "cc")
    assert state(docker, "ExitCode") == "137"


def test_kill_sends_the_signal_by_name(sleeper: Docker) -> None:
    sleeper.must("kill", "--signal", "USR1", "cc")
    assert sleeper.out("wait", "cc") == "5"


def test_kill_of_what_has_ended_is_refused(docker: Docker) -> None:
    docker.must("run", "--name", "cc", IMAGE, "true")
    assert docker.call("kill", "cc").code == 1


def test_pause_freezes_and_unpause_thaws(sleeper: Docker) -> None:
    sleeper.must("pause", "cc")
    assert state(sleeper, "Status") == "paused"
    assert sleeper.call("exec", "cc", "true").code == 1
    sleeper.must("unpause", "cc")
    assert state(sleeper, "Status") == "running"
    sleeper.must("exec", "cc", "true")


def test_a_paused_container_is_removed_by_force(sleeper: Docker) -> None:
    sleeper.must("pause", "cc")
    sleeper.must("rm", "-f", "cc")


def test_a_stopped_container_starts_again(sleeper: Docker) -> None:
    sleeper.must("stop", "cc")
    sleeper.must("start", "cc")
    assert state(sleeper, "Status") == "running"
    sleeper.must("restart", "-t", "1", "cc")
    assert state(sleeper, "Status") == "running"


def test_create_then_start_attached(docker: Docker) -> None:
    docker.must("create", "--name", "cc", IMAGE, "sh", "-c", "echo hi; exit 4")
    result = docker.call("start", "-a", "cc")
    assert (result.code, result.out) == (4, "hi\n")


def test_a_name_is_taken_once(sleeper: Docker) -> None:
    assert sleeper.call("run", "--name", "cc", IMAGE, "true").code == 125


def test_restart_policy_runs_it_again(docker: Docker) -> None:
    docker.must("run", "-d", "--name", "cc", "--restart", "on-failure:2", IMAGE, "false")
    docker.until(lambda out: out.strip() == "2", "inspect", "--format", "{{.RestartCount}}", "cc")
    assert docker.out("wait", "cc") == "1"


EXEC = {
    "user": (["-u", "7:8"], ["sh", "-c", "id -u; id -g"], 0, "7\n8\n"),
    "workdir": (["-w", "/tmp"], ["pwd"], 0, "/tmp\n"),
    "env": (["-e", "KEY=a b"], ["sh", "-c", "echo $KEY"], 0, "a b\n"),
    "signal": ([], ["sh", "-c", "kill -9 $$"], 137, ""),
    "same-pid-namespace": ([], ["cat", "/proc/1/comm"], 0, "sh\n"),
}


@pytest.mark.parametrize("case", EXEC)
def test_exec_shows(sleeper: Docker, case: str) -> None:
    flags, program, code, out = EXEC[case]
    result = sleeper.call("exec", *flags, "cc", *program)
    assert (result.code, result.out) == (code, out), str(result)


@pytest.mark.not_on(
    "runc", "it refuses a capability that it does not hold itself; CAP_SYS_RESOURCE is missing here"
)
def test_a_privileged_exec_has_more_capabilities(sleeper: Docker) -> None:
    of_exec = sleeper.out("exec", "--privileged", "cc", "grep", "CapEff", "/proc/self/status")
    of_init = sleeper.out("exec", "cc", "grep", "CapEff", "/proc/1/status")
    assert int(of_exec.split()[1], 16) > int(of_init.split()[1], 16)


def test_exec_reads_standard_input(sleeper: Docker) -> None:
    assert sleeper.must("exec", "-i", "cc", "cat", stdin=b"through").out == "through"


def test_exec_has_a_terminal(sleeper: Docker) -> None:
    assert "/dev/pts/" in sleeper.typed("exec", "-it", "cc", "sh", lines="tty; exit\n")


def test_a_detached_exec_goes_on(sleeper: Docker) -> None:
    sleeper.must("exec", "-d", "cc", "sh", "-c", "echo there >/tmp/x")
    sleeper.until(lambda out: out == "there\n", "exec", "cc", "cat", "/tmp/x")


def test_top_lists_processes(sleeper: Docker) -> None:
    assert "sleep 1000" in sleeper.out("top", "cc")


def test_stats_are_read(sleeper: Docker) -> None:
    shown = json.loads(sleeper.out("stats", "--no-stream", "--format", "{{json .}}", "cc"))
    assert shown["Name"] == "cc"
    if sleeper.site.view != "v2":  # which has no controllers here
        assert shown["PIDs"] == "2"


@pytest.mark.views("hybrid")
def test_update_changes_limits(sleeper: Docker) -> None:
    sleeper.must("update", "--memory", "96m", "--memory-swap", "96m", "--cpus", "0.25", "cc")
    files = ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"]
    assert sleeper.out("exec", "cc", "cat", *files) == f"{96 << 20}\n25000"


@pytest.mark.views("hybrid")
def test_a_container_out_of_memory_is_told(docker: Docker) -> None:
    eat = "x=0123456789abcdef; while :; do x=$x$x; done"
    docker.must(
        "run", "-d", "--name", "cc", "--memory", "16m", "--memory-swap", "16m", IMAGE, "sh", "-c", eat
    )
    assert docker.out("wait", "cc") == "137"
    assert state(docker, "OOMKilled") == "true"


def test_cp_goes_both_ways(sleeper: Docker) -> None:
    given, back = sleeper.site.folder / "given", sleeper.site.folder / "back"
    given.write_text("given")
    sleeper.must("cp", str(given), "cc:/tmp/given")
    assert sleeper.out("exec", "cc", "cat", "/tmp/given") == "given"
    sleeper.must("cp", "cc:/tmp/given", str(back))
    assert back.read_text() == "given"


def test_healthcheck_runs_inside(docker: Docker) -> None:
    health = ["--health-cmd", "true", "--health-interval", "100ms"]
    docker.must("run", "-d", "--name", "cc", *health, IMAGE, "sleep", "1000")
    docker.until(lambda out: out == "healthy\n", "inspect", "--format", "{{.State.Health.Status}}", "cc")


def test_commit_keeps_what_was_written(docker: Docker) -> None:
    docker.must("run", "--name", "cc", IMAGE, "sh", "-c", "echo kept >/kept")
    assert "A /kept" in docker.out("diff", "cc")
    docker.must("commit", "cc", "committed")
    assert docker.out("run", "--rm", "committed", "cat", "/kept") == "kept"
    docker.must("rmi", "committed")


def test_commit_of_a_running_container_lets_it_run_on(sleeper: Docker) -> None:
    sleeper.must("commit", "cc", "committed")
    assert state(sleeper, "Status") == "running"
    sleeper.must("rmi", "committed")


def test_build_runs_its_steps(docker: Docker) -> None:
    context = docker.site.folder / "context"
    context.mkdir()
    (context / "file").write_text("copied\n")
    recipe = f"FROM {IMAGE}\nCOPY file /file\nRUN cat /file >/made && id -u >>/made\nCMD cat /made\n"
    (context / "Dockerfile").write_text(recipe)
    docker.must("build", "-t", "built", str(context))
    assert docker.out("run", "--rm", "built") == "copied\n0"
    docker.must("rmi", "built")


def test_a_failing_step_fails_the_build(docker: Docker) -> None:
    context = docker.site.folder / "failing"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN exit 9\n")
    result = docker.call("build", str(context))
    assert (result.code, "returned a non-zero code: 9" in result.err) == (9, True)


def test_start_attached_hands_standard_input_over(docker: Docker) -> None:
    docker.must("create", "-i", "--name", "cc", IMAGE, "sh", "-c", "read line; echo $line; exit 6")
    result = docker.call("start", "-ai", "cc", stdin=b"hello\n")
    assert (result.code, result.out) == (6, "hello\n")


def test_a_container_whose_init_dies_is_seen_to_end(sleeper: Docker) -> None:
    sleeper.begin("kill", "-9", state(sleeper, "Pid"), raw=True).finish()
    assert sleeper.out("wait", "cc") == "137"


def test_twenty_side_by_side(docker: Docker) -> None:
    calls = [docker.begin("run", "--rm", IMAGE, "sh", "-c", f"echo {n}; exit {n}") for n in range(20)]
    results = [call.finish(120) for call in calls]
    assert [(r.code, r.out) for r in results] == [(n, f"{n}\n") for n in range(20)]


def test_many_in_a_row(docker: Docker) -> None:
    for n in range(200):
        assert docker.out("run", "--rm", IMAGE, "echo", str(n)) == str(n)
