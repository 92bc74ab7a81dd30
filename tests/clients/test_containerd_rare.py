# SPDX-License-Identifier: Apache-2.0
"""containerd's rarer ways: restarts, a shim that dies, events, joined namespaces, roots of one's own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from clients.client import IMAGE
from clients.containerd import Containerd
from support.runtime import Running


@pytest.fixture
def sleeper(containerd: Containerd) -> Containerd:
    """containerd with a task `c` that waits."""
    containerd.must(*containerd.run("c", "sleep", "1000", flags=("-d",)))
    return containerd


def pid_of(containerd: Containerd, name: str) -> str:
    """The pid of a task as the site numbers it, or "" when there is no such task."""
    lines = [line.split() for line in containerd.out("task", "ls").splitlines()]
    return next((line[1] for line in lines if line[0] == name), "")


def test_tasks_outlive_a_restart_of_containerd(sleeper: Containerd) -> None:
    before = pid_of(sleeper, "c")
    sleeper.close()
    sleeper.start()
    sleeper.until(lambda out: "RUNNING" in out, "task", "ls")
    assert pid_of(sleeper, "c") == before
    sleeper.must("task", "exec", "--exec-id", "e", "c", "true")
    sleeper.must("task", "kill", "-s", "KILL", "c")
    sleeper.until(lambda out: "STOPPED" in out, "task", "ls")


def test_a_task_whose_shim_dies_is_cleaned_up(sleeper: Containerd) -> None:
    listed = sleeper.begin("ps", "-e", "-o", "pid=,args=", raw=True).finish().out.splitlines()
    shim = next(line.split()[0] for line in listed if "containerd-shim-runc-v2" in line and "-id c " in line)
    sleeper.begin("kill", "-9", shim, raw=True).finish()
    bundle = sleeper.site.folder / "state/io.containerd.runtime.v2.task/test/c"
    sleeper.until(lambda _: not bundle.exists(), "version")


@contextlib.contextmanager
def events(containerd: Containerd) -> Iterator[Running]:
    """What `ctr events` prints meanwhile."""
    running = containerd.begin("events")
    try:
        yield running
    finally:
        running.process.kill()
        running.finish()


@pytest.mark.views("hybrid")
def test_out_of_memory_is_an_event(containerd: Containerd) -> None:
    eat = ["sh", "-c", "x=0123456789abcdef; while :; do x=$x$x; done"]
    with events(containerd) as shown:
        words = containerd.run("c", *eat, flags=("--rm", "--memory-limit", str(16 << 20)))
        assert containerd.call(*words).code == 137
        containerd.until(lambda _: "/tasks/oom" in shown.out, "version")


def test_events_tell_a_whole_life(containerd: Containerd) -> None:
    topics = ("/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete")
    with events(containerd) as shown:
        containerd.must(*containerd.run("c", "true"))
        containerd.until(lambda _: all(topic in shown.out for topic in topics), "version")


JOINED = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts"}


@pytest.mark.parametrize("kind", JOINED)
def test_a_namespace_of_another_task_is_joined(sleeper: Containerd, kind: str) -> None:
    path = f"/proc/{pid_of(sleeper, 'c')}/ns/{JOINED[kind]}"
    link = f"/proc/self/ns/{JOINED[kind]}"
    joined = sleeper.must(*sleeper.run("d", "readlink", link, flags=("--rm", "--with-ns", f"{kind}:{path}")))
    assert joined.out == sleeper.must("task", "exec", "--exec-id", "e", "c", "readlink", link).out


def test_a_root_of_ones_own(containerd: Containerd) -> None:
    root = containerd.site.folder / "root"
    (root / "bin").mkdir(parents=True)
    assert containerd.begin("cp", "/bin/busybox", f"{root}/bin/echo", raw=True).finish().code == 0
    words = containerd.run("c", "/bin/echo", "hi", flags=("--rm", "--rootfs"))
    words[words.index(IMAGE)] = str(root)
    assert containerd.out(*words) == "hi"


def test_a_state_root_of_ones_own(containerd: Containerd) -> None:
    root = containerd.site.folder / "state-root"
    containerd.must(*containerd.run("c", "sleep", "1000", flags=("-d", "--runc-root", str(root))))
    assert [p.name for p in (root / "test").iterdir() if not p.name.startswith(".")] == ["c"]
    containerd.must("task", "exec", "--exec-id", "e", "c", "true")


def test_the_pid_is_written_to_a_file(containerd: Containerd) -> None:
    file = containerd.site.folder / "pid"
    containerd.must(*containerd.run("c", "sleep", "1000", flags=("-d", "--pid-file", str(file))))
    assert file.read_text() == pid_of(containerd, "c")


def test_a_checkpoint_is_refused_and_the_task_runs_on(sleeper: Containerd) -> None:
    assert sleeper.call("task", "checkpoint", "c").code == 1
    sleeper.must("task", "exec", "--exec-id", "e", "c", "true")


def test_a_path_for_systemd_is_refused_in_words(containerd: Containerd) -> None:
    words = containerd.run("c", "true", flags=("--rm", "--runc-systemd-cgroup"))
    result = containerd.call(*words)
    assert result.code == 1
    assert "systemd" in result.err


def test_exec_in_a_paused_task_is_refused(sleeper: Containerd) -> None:
    sleeper.must("task", "pause", "c")
    result = sleeper.call("task", "exec", "--exec-id", "e", "c", "true")
    assert result.code == 1
    assert "paused" in result.err
    sleeper.must("task", "resume", "c")


def test_a_paused_task_is_deleted_by_force(sleeper: Containerd) -> None:
    sleeper.must("task", "pause", "c")
    sleeper.call("task", "delete", "-f", "c")
    assert pid_of(sleeper, "c") == ""


def test_a_terminal_has_the_size_of_ones_own(containerd: Containerd) -> None:
    script = "until stty size 2>/dev/null | grep '[1-9]'; do :; done"
    words = containerd.run("c", "sh", "-c", script, flags=("--rm", "-t"))
    assert "40 100" in containerd.typed(*words, lines="", size=(40, 100))


def test_all_executions_end_with_the_task(sleeper: Containerd) -> None:
    executions = [sleeper.begin("task", "exec", "--exec-id", f"e{n}", "c", "sleep", "2000") for n in range(5)]
    sleeper.until(lambda out: out.count("sleep 2000") == 5, "task", "exec", "--exec-id", "look", "c", "ps")
    sleeper.must("task", "kill", "-s", "KILL", "c")
    assert [execution.finish().code for execution in executions] == [137] * 5
