# SPDX-License-Identifier: Apache-2.0
"""podman: the life of a container from run to rm, and what is done to it meanwhile."""

from __future__ import annotations

import json

import pytest

from clients.client import IMAGE
from clients.podman import Podman


@pytest.fixture
def sleeper(podman: Podman) -> Podman:
    """podman with a container `c` that waits for a signal."""
    podman.must(
        "run", "-d", "--name", "c", IMAGE, "sh", "-c", "trap 'exit 3' TERM; echo up; sleep 1000 & wait"
    )
    podman.until(lambda out: "up" in out, "logs", "c")
    return podman


def status(podman: Podman) -> str:
    """The status word of `c`."""
    return podman.out("inspect", "--format", "{{.State.Status}}", "c")


def test_a_detached_container_runs_until_it_is_removed(sleeper: Podman) -> None:
    assert status(sleeper) == "running"
    assert sleeper.out("ps", "--format", "{{.Names}}") == "c"
    sleeper.must("rm", "-f", "-t", "0", "c")
    assert sleeper.out("ps", "-aq") == ""


def test_logs_show_both_streams(podman: Podman) -> None:
    podman.must("run", "--name", "c", IMAGE, "sh", "-c", "echo out; echo err >&2")
    result = podman.must("logs", "c")
    assert (result.out, result.err) == ("out\n", "err\n")


def test_stop_ends_it_by_the_signal_it_waits_for(sleeper: Podman) -> None:
    sleeper.must("stop", "c")
    assert sleeper.out("inspect", "--format", "{{.State.ExitCode}}", "c") == "3"


def test_stop_kills_what_does_not_listen(podman: Podman) -> None:
    podman.must("run", "-d", "--name", "c", IMAGE, "sleep", "1000")
    podman.must("stop", "-t", "1", "c")
    assert podman.out("inspect", "--format", "{{.State.ExitCode}}", "c") == "137"


def test_stop_of_what_has_ended_is_no_error(podman: Podman) -> None:
    podman.must("run", "--name", "c", IMAGE, "true")
    podman.must("stop", "c")


def test_kill_sends_the_signal_by_name(podman: Podman) -> None:
    podman.must(
        "run", "-d", "--name", "c", IMAGE, "sh", "-c", "trap 'exit 5' USR1; echo up; sleep 1000 & wait"
    )
    podman.until(lambda out: "up" in out, "logs", "c")
    podman.must("kill", "--signal", "USR1", "c")
    assert podman.out("wait", "c") == "5"


def test_kill_of_what_has_ended_is_refused(podman: Podman) -> None:
    podman.must("run", "--name", "c", IMAGE, "true")
    assert podman.call("kill", "c").code == 125


def test_pause_freezes_and_unpause_thaws(sleeper: Podman) -> None:
    sleeper.must("pause", "c")
    assert status(sleeper) == "paused"
    assert sleeper.call("exec", "c", "true").code != 0
    sleeper.must("unpause", "c")
    assert status(sleeper) == "running"
    sleeper.must("exec", "c", "true")


def test_a_paused_container_is_removed_by_force(sleeper: Podman) -> None:
    sleeper.must("pause", "c")
    sleeper.must("rm", "-f", "-t", "0", "c")


def test_a_stopped_container_starts_again(sleeper: Podman) -> None:
    sleeper.must("stop", "c")
    sleeper.must("start", "c")
    assert status(sleeper) == "running"
    sleeper.must("restart", "-t", "1", "c")
    assert status(sleeper) == "running"


def test_create_then_start_attached(podman: Podman) -> None:
    podman.must("create", "--name", "c", IMAGE, "sh", "-c", "echo hi; exit 4")
    result = podman.call("start", "-a", "c")
    assert (result.code, result.out) == (4, "hi\n")


def test_init_makes_it_without_starting(podman: Podman) -> None:
    podman.must("create", "--name", "c", IMAGE, "echo", "hi")
    podman.must("init", "c")
    assert status(podman) == "initialized"
    assert podman.out("start", "-a", "c") == "hi"


def test_inspect_shows_the_pid_and_the_exit(sleeper: Podman) -> None:
    state = json.loads(sleeper.out("inspect", "c"))[0]["State"]
    assert state["Running"] is True
    assert "sleep" in sleeper.begin("cat", f"/proc/{state['Pid']}/cmdline", raw=True).finish().out


def test_a_name_is_taken_once(sleeper: Podman) -> None:
    assert sleeper.call("run", "--name", "c", IMAGE, "true").code == 125


def test_restart_policy_runs_it_again(podman: Podman) -> None:
    podman.must("run", "-d", "--name", "c", "--restart", "on-failure:2", IMAGE, "false")
    podman.until(lambda out: out.strip() == "2", "inspect", "--format", "{{.RestartCount}}", "c")
    assert podman.out("wait", "c") == "1"


EXEC = {
    "user": (["-u", "7:8"], ["sh", "-c", "id -u; id -g"], "7\n8"),
    "workdir": (["-w", "/tmp"], ["pwd"], "/tmp"),
    "env": (["-e", "KEY=a b"], ["sh", "-c", "echo $KEY"], "a b"),
    "privileged": (
        ["--privileged"],
        ["sh", "-c", "grep CapEff /proc/self/status | grep -c 00000000a80425fb"],
        None,
    ),
    "pid": ([], ["sh", "-c", "cat /proc/1/comm"], "sh"),
}


@pytest.mark.parametrize("case", EXEC)
def test_exec_shows(sleeper: Podman, case: str) -> None:
    flags, program, wanted = EXEC[case]
    result = sleeper.call("exec", *flags, "c", *program)
    if wanted is not None:
        assert (result.code, result.out.rstrip("\n")) == (0, wanted)
    else:
        assert result.out == "0\n"


def test_exec_reads_standard_input(sleeper: Podman) -> None:
    assert sleeper.must("exec", "-i", "c", "cat", stdin=b"through").out == "through"


def test_exec_has_a_terminal(sleeper: Podman) -> None:
    assert "/dev/pts/" in sleeper.typed("exec", "-it", "c", "sh", lines="tty; exit\n")


def test_a_detached_exec_goes_on(sleeper: Podman) -> None:
    sleeper.must("exec", "-d", "c", "sh", "-c", "echo there >/tmp/x")
    sleeper.until(lambda out: out == "there\n", "exec", "c", "cat", "/tmp/x")


def test_exec_hands_over_descriptors(sleeper: Podman) -> None:
    reader = sleeper.begin(
        "sh",
        "-c",
        'exec 3</etc/hostname; "$@"',
        "sh",
        *sleeper.argv(["exec", "--preserve-fds", "1", "c", "sh", "-c", "cat <&3"]),
        raw=True,
    ).finish()
    assert reader.code == 0, str(reader)
    assert reader.out != ""


def test_top_lists_processes(sleeper: Podman) -> None:
    assert "sleep 1000" in sleeper.out("top", "c", "args")


@pytest.mark.views("hybrid")
def test_stats_are_read(sleeper: Podman) -> None:
    shown = json.loads(sleeper.out("stats", "--no-stream", "--format", "json", "c"))
    assert shown[0]["pids"] == "2"


@pytest.mark.views("hybrid")
def test_update_changes_limits(sleeper: Podman) -> None:
    sleeper.must("update", "--memory", "96m", "--cpus", "0.25", "c")
    files = ["/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us"]
    assert sleeper.out("exec", "c", "cat", *files) == f"{96 << 20}\n25000"


def test_cp_goes_both_ways(sleeper: Podman) -> None:
    given, back = sleeper.site.folder / "given", sleeper.site.folder / "back"
    given.write_text("given")
    sleeper.must("cp", str(given), "c:/tmp/given")
    assert sleeper.out("exec", "c", "cat", "/tmp/given") == "given"
    sleeper.must("cp", "c:/tmp/given", str(back))
    assert back.read_text() == "given"


def test_healthcheck_runs_inside(podman: Podman) -> None:
    health = ["--health-cmd", "test -e /tmp/well", "--health-interval", "disable", "--health-retries", "1"]
    podman.must("run", "-d", "--name", "c", *health, IMAGE, "sleep", "1000")
    assert podman.call("healthcheck", "run", "c").code == 1
    podman.must("exec", "c", "touch", "/tmp/well")
    assert podman.call("healthcheck", "run", "c").code == 0


def test_commit_keeps_what_was_written(podman: Podman) -> None:
    podman.must("run", "--name", "c", IMAGE, "sh", "-c", "echo kept >/kept")
    podman.must("commit", "-q", "c", "committed")
    assert podman.out("run", "--rm", "committed", "cat", "/kept") == "kept"
    podman.must("rmi", "committed")


def test_build_runs_its_steps(podman: Podman) -> None:
    context = podman.site.folder / "context"
    context.mkdir(exist_ok=True)
    (context / "file").write_text("copied\n")
    recipe = f"FROM {IMAGE}\nCOPY file /file\nRUN cat /file >/made && id -u >>/made\nCMD cat /made\n"
    (context / "Containerfile").write_text(recipe)
    podman.must("build", "--runtime", podman.words[-1], "-t", "built", str(context))
    assert podman.out("run", "--rm", "built") == "copied\n0"
    podman.must("rmi", "built")


def test_a_failing_step_fails_the_build(podman: Podman) -> None:
    context = podman.site.folder / "failing"
    context.mkdir(exist_ok=True)
    (context / "Containerfile").write_text(f"FROM {IMAGE}\nRUN exit 9\n")
    assert podman.call("build", str(context)).code == 9


@pytest.fixture
def pod(podman: Podman) -> Podman:
    """podman with a pod `p`."""
    infra = ["--infra-image", IMAGE, "--infra-command", "sleep 1000"]
    podman.must("pod", "create", "--name", "p", *infra)
    return podman


# In the v2 view podman 4.3 puts a device program on the pod's cgroup that denies even /dev/null, to any runtime.
@pytest.mark.views("hybrid")
def test_members_of_a_pod_share_namespaces(pod: Podman) -> None:
    pod.must("run", "-d", "--pod", "p", "--name", "c", IMAGE, "sleep", "1000")
    script = "for kind in net ipc uts; do readlink /proc/self/ns/$kind; done"
    other = pod.out("run", "--rm", "--pod", "p", IMAGE, "sh", "-c", script)
    assert pod.out("exec", "c", "sh", "-c", script) == other


@pytest.mark.views("hybrid")
def test_a_pod_is_stopped_and_removed_as_one(pod: Podman) -> None:
    pod.must("run", "-d", "--pod", "p", "--name", "c", IMAGE, "sleep", "1000")
    pod.must("pod", "pause", "p")
    pod.must("pod", "unpause", "p")
    pod.must("pod", "stop", "-t", "0", "p")
    assert status(pod) == "exited"
    pod.must("pod", "rm", "-f", "-t", "0", "p")


def test_export_has_the_files(podman: Podman) -> None:
    podman.must("run", "--name", "c", IMAGE, "touch", "/made")
    archive = podman.site.folder / "exported.tar"
    podman.must("export", "-o", str(archive), "c")
    assert "made\n" in podman.begin("tar", "-tf", str(archive), raw=True).finish().out
    assert "A /made" in podman.out("diff", "c")


def test_twenty_side_by_side(podman: Podman) -> None:
    programs = [(f"c{n}", IMAGE, "sh", "-c", f"echo {n}; exit {n}") for n in range(20)]
    calls = [podman.begin("run", "-d", "--name", *program) for program in programs]
    assert [call.finish(120).code for call in calls] == [0] * 20
    # Not from the attached stream, of which podman 4.3 loses the end now and then.
    assert podman.out("wait", *(name for name, *_ in programs)).split() == [str(n) for n in range(20)]
    assert [podman.out("logs", name) for name, *_ in programs] == [str(n) for n in range(20)]


def test_many_in_a_row(podman: Podman) -> None:
    for n in range(200):
        result = podman.call("run", "--rm", IMAGE, "sh", "-c", f"exit {n % 100}")
        assert (result.code, result.err) == (n % 100, "")
