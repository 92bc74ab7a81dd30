# SPDX-License-Identifier: Apache-2.0
"""Hooks: when each runs, in which namespaces, what it reads on stdin, and what its failure means."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support.bundles import ABSENT, Bundle
from support.processes import namespace
from support.runtime import Runtime

BEFORE_START = ("prestart", "createRuntime", "createContainer")
HOST_SIDE = ("prestart", "createRuntime", "poststart", "poststop")
EARLY_POSTSTART = pytest.mark.not_on("runc", "1.1.5 runs poststart in create")
ALL = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")


def hook(script: str, **more: Any) -> dict[str, Any]:
    """A hook that is a shell script; `sh` is where both the host and the container have it."""
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/usr/bin:/bin"], **more}


def with_log(
    bundle: MakeBundle, folder: Path, script: str, *kinds: str, program: str = "true"
) -> tuple[Bundle, Path]:
    """A bundle whose hooks append to a file that host and container both see at /log."""
    log = folder / "log"
    log.mkdir()
    config = bundle(program)
    (config.rootfs / "log").mkdir()
    config.change(
        "/mounts/-", {"destination": "/log", "type": "bind", "source": str(log), "options": ["bind"]}
    )
    for kind in kinds:
        place = "/log" if kind == "startContainer" else str(log)
        config.change(f"/hooks/{kind}/-", hook(script.format(kind=kind, log=place)))
    return config, log


@pytest.mark.core
@pytest.mark.parametrize("kind", [*ALL[:4], pytest.param("poststart", marks=EARLY_POSTSTART), "poststop"])
def test_a_hook_reads_the_state_with_the_right_pid(
    runtime: Runtime, bundle: MakeBundle, folder: Path, kind: str
) -> None:
    config, log = with_log(bundle, folder, "cat > {log}/{kind}", kind, program="sleep 1000")
    container = runtime.start(config)
    container.delete()
    state = json.loads((log / kind).read_text())
    assert state["id"] == config.id
    assert state["bundle"] == str(config.path)
    expected = {"startContainer": "created", "poststart": "running", "poststop": "stopped"}
    assert state["status"] in (expected.get(kind, "creating"), "created" if kind in BEFORE_START else "")
    if kind != "poststop":
        assert state["pid"] == (container.pid if kind in HOST_SIDE else 1)


@EARLY_POSTSTART
def test_hooks_run_in_the_order_of_the_specification(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    config, log = with_log(
        bundle, folder, "echo {kind} >> {log}/order", *ALL, program="echo program >> /log/order"
    )
    container = runtime.start(config)
    container.wait()
    container.delete()
    order = (log / "order").read_text().split()
    assert [word for word in order if word not in ("poststart", "program")] == [
        k for k in ALL if k != "poststart"
    ]
    assert order.index("program") > order.index("startContainer")
    assert order.index("poststart") > order.index("startContainer")


def test_hooks_of_one_kind_run_in_their_order(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    config, log = with_log(bundle, folder, "echo {kind} 1 >> {log}/order", "createRuntime")
    config.change("/hooks/createRuntime/-", hook(f"echo createRuntime 2 >> {log}/order"))
    runtime.output(config)
    assert (log / "order").read_text().splitlines() == ["createRuntime 1", "createRuntime 2"]


@pytest.mark.parametrize("kind", ["prestart", "createRuntime"])
def test_create_runs_the_hooks_of_the_runtime_and_start_does_not(
    runtime: Runtime, bundle: MakeBundle, folder: Path, kind: str
) -> None:
    config, log = with_log(
        bundle, folder, "echo {kind} >> {log}/order", kind, "startContainer", program="sleep 1000"
    )
    container = runtime.create(config)
    assert (log / "order").read_text().split() == [kind]
    container.start()
    container.delete()
    assert (log / "order").read_text().split() == [kind, "startContainer"]


@pytest.mark.parametrize("kind", HOST_SIDE)
def test_a_hook_of_the_runtime_runs_in_the_runtimes_namespaces(
    runtime: Runtime, bundle: MakeBundle, folder: Path, kind: str
) -> None:
    config, log = with_log(
        bundle, folder, "readlink /proc/self/ns/mnt > {log}/{kind}", kind, program="sleep 1000"
    )
    runtime.start(config).delete()
    assert (log / kind).read_text().strip() == namespace(runtime.view.pid, "mnt")


@pytest.mark.parametrize("kind", ["createContainer", "startContainer"])
def test_a_hook_of_the_container_runs_in_its_namespaces(
    runtime: Runtime, bundle: MakeBundle, folder: Path, kind: str
) -> None:
    config, log = with_log(
        bundle, folder, "readlink /proc/self/ns/net > {log}/{kind}", kind, program="sleep 1000"
    )
    container = runtime.start(config)
    assert (log / kind).read_text().strip() == namespace(container.pid, "net")
    container.delete()


def test_a_hook_has_the_environment_and_arguments_of_the_config(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    config, log = with_log(bundle, folder, "true")
    script = f"echo $0 $1 $KEY $LEAKED > {log}/seen"
    entry = {
        "path": "/bin/sh",
        "args": ["sh", "-c", script, "zero", "one"],
        "env": ["KEY=value", "PATH=/bin"],
    }
    config.change("/hooks/createRuntime/-", entry)
    runtime.output(config, env={"LEAKED": "yes"})
    assert (log / "seen").read_text().split() == ["zero", "one", "value"]


@pytest.mark.estiba_only
@pytest.mark.parametrize("kind", ALL)
def test_a_hook_ignores_no_signal_that_the_caller_ignores(
    runtime: Runtime, bundle: MakeBundle, folder: Path, kind: str
) -> None:
    """As Python ignores SIGPIPE: a hook of the library ends like one of the command."""
    script = "grep SigIgn /proc/self/status > {log}/{kind}"
    config, log = with_log(bundle, folder, script, kind, program="sleep 1000")
    runtime.prefix = ["env", "--ignore-signal=PIPE,USR1,RTMIN+3"]
    container = runtime.start(config)
    container.delete()
    ignored = int((log / kind).read_text().split()[1], 16)
    of_the_shell = 1 << 2  # SIGQUIT, which busybox ignores where it has no terminal
    assert ignored & ~of_the_shell == 0


@pytest.mark.core
@pytest.mark.parametrize("kind", BEFORE_START)
def test_a_failing_hook_stops_create(runtime: Runtime, bundle: MakeBundle, kind: str) -> None:
    config = bundle("echo ran")
    config.change(f"/hooks/{kind}/-", hook("echo why >&2; exit 3"))
    result = runtime.run(config)
    assert (result.code != 0, result.out) == (True, "")
    assert runtime.call("state", config.id).code != 0


@pytest.mark.core
@pytest.mark.estiba_only
def test_nobody_enters_a_container_that_is_being_created(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    """Before init has changed its root, / of its mount namespace is the host's."""
    script = "echo waits > {log}/said; cat {log}/go"
    config, log = with_log(bundle, folder, script, "createContainer", program="sleep 1000")
    for name in ("said", "go"):
        os.mkfifo(log / name)
    creating = runtime.spawn("create", "--bundle", str(config.path), config.id)
    assert (log / "said").read_text() == "waits\n"
    status = json.loads(runtime.must("state", config.id).out)["status"]
    entered = runtime.call("exec", config.id, "/bin/sh", "-c", "echo in")
    (log / "go").write_text("")
    assert creating.finish().code == 0
    assert (status, entered.out) == ("creating", "")
    assert f'container "{config.id}" is creating: ' in entered.err
    runtime.must("delete", "--force", config.id)


@pytest.mark.core
@pytest.mark.parametrize("kind", [*BEFORE_START, "startContainer"])
def test_poststop_hooks_run_after_a_start_that_failed(
    runtime: Runtime, bundle: MakeBundle, folder: Path, kind: str
) -> None:
    """runtime.md "Lifecycle": what an earlier hook has set up is taken down again."""
    config, log = with_log(bundle, folder, "cat > {log}/{kind}", "poststop")
    config.change(f"/hooks/{kind}/-", hook("exit 3"))
    assert runtime.run(config).code != 0
    state = json.loads((log / "poststop").read_text())
    assert (state["id"], state["status"]) == (config.id, "stopped")
    assert runtime.call("state", config.id).code != 0


@pytest.mark.estiba_only
def test_a_failing_poststop_hook_after_a_start_that_failed_is_told_too(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("true")
    config.change("/hooks/createRuntime/-", hook("exit 3"))
    config.change("/hooks/poststop/-", hook("exit 4"))
    said = runtime.run(config).err
    assert re.search("/hooks/createRuntime/0.* exit code 3.*; and undoing it: .*/hooks/poststop/0", said), (
        said
    )
    assert "exit code 4" in said


@pytest.mark.core
def test_what_a_program_left_running_ends_with_a_start_that_failed(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    """Without a pid namespace of its own the end of init ends nobody else."""
    config = bundle("sleep 1000 & wait", {"/linux/namespaces/0": ABSENT})
    result = runtime.call(
        "run",
        "--detach",
        "--bundle",
        str(config.path),
        "--pid-file",
        str(folder / "absent" / "pid"),
        config.id,
    )
    assert result.code != 0
    assert runtime.call("state", config.id).code != 0


def test_a_failing_hook_before_the_program_keeps_it_from_running(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("echo ran")
    config.change("/hooks/startContainer/-", hook("exit 3"))
    result = runtime.run(config)
    assert (result.code != 0, result.out) == (True, "")


def test_a_failing_poststop_hook_does_not_keep_the_container(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    config.change("/hooks/poststop/-", hook("exit 3"))
    runtime.run(config)
    assert runtime.call("state", config.id).code != 0


@pytest.mark.not_on("runc", "its delete fails, and leaves the other hooks out")
def test_after_a_failing_poststop_hook_the_others_run_and_delete_succeeds(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    config, log = with_log(bundle, folder, "echo {kind} >> {log}/order")
    config.change("/hooks/poststop", [hook("exit 3"), hook(f"echo second > {log}/second")])
    runtime.start(config).wait()
    runtime.must("delete", config.id)
    assert (log / "second").read_text() == "second\n"


@pytest.mark.core
@pytest.mark.estiba_only
def test_a_failing_poststop_hook_is_a_warning_on_stderr_and_in_the_log(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    config = bundle("true")
    config.change("/hooks/poststop/-", hook("exit 3"))
    runtime.start(config).wait()
    log = folder / "log"
    result = runtime.must("--log", str(log), "--log-format", "json", "delete", config.id)
    assert result.err.startswith("warning: config.json /hooks/poststop/0: the hook")
    assert json.loads(log.read_text())["level"] == "warning"


@EARLY_POSTSTART
def test_a_failing_poststart_hook_fails_start_and_stops_the_container(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("sleep 1000")
    config.change("/hooks/poststart/-", hook("exit 3"))
    container = runtime.create(config)
    assert runtime.call("start", config.id).code != 0
    assert container.wait() == 128 + 9
    container.delete()


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer"])
def test_a_hook_over_its_timeout_is_ended_and_stops_create(
    runtime: Runtime, bundle: MakeBundle, kind: str
) -> None:
    config = bundle("echo ran")
    config.change(f"/hooks/{kind}/-", hook("exec sleep 1000", timeout=1))
    result = runtime.run(config)
    assert (result.code != 0, result.out) == (True, "")


@pytest.mark.estiba_only
def test_the_error_of_a_failing_hook_says_which_how_and_why(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    config.change("/hooks/createRuntime", [hook("exit 0"), hook("echo the reason >&2; exit 3")])
    err = re.sub(r"\d+ ms", "N ms", runtime.run(config).err)
    assert err == (
        'config.json /hooks/createRuntime/1: the hook "/bin/sh" ["sh", "-c", "echo the reason >&2; exit 3"] failed '
        'with exit code 3 after N ms, saying "the reason"\n'
    )


@pytest.mark.estiba_only
def test_the_error_of_a_failing_hook_inside_says_which_and_how(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true")
    config.change("/hooks/createContainer", [hook("exit 0"), {"path": "/bin/false"}])
    assert runtime.run(config).err == (
        'config.json /hooks/createContainer/1: the hook "/bin/false" failed with exit code 1\n'
    )


@pytest.mark.estiba_only
@pytest.mark.parametrize(
    ("failing", "said"),
    [
        (hook("exit 3"), 'the hook "/bin/sh" ["sh", "-c", "exit 3"] failed with exit code 3'),
        ({"path": "/bin/absent"}, 'cannot run the hook "/bin/absent": absent (ENOENT)'),
    ],
)
def test_the_error_of_a_failing_hook_behind_the_gate_says_which_and_how(
    runtime: Runtime, bundle: MakeBundle, failing: dict[str, Any], said: str
) -> None:
    """Where the plan is gone: `start` reads the config again."""
    container = runtime.create(bundle("true", {"/hooks/startContainer": [hook("exit 0"), failing]}))
    result = runtime.call("start", container.id)
    container.delete()
    assert (result.code, result.err) == (1, f"config.json /hooks/startContainer/1: {said}\n")


@pytest.mark.estiba_only
def test_of_a_hook_with_long_arguments_the_error_shows_the_begin(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("true")
    config.change("/hooks/prestart", [{"path": "/bin/sh", "args": ["sh", "-c", "kill -9 $$", "x" * 9999]}])
    err = runtime.run(config).err
    assert err.startswith('config.json /hooks/prestart/0: the hook "/bin/sh" ["sh", "-c", "kill -9 $$", "xxx')
    assert "xxx... was ended by signal 9 after " in err
    assert len(err) < 400


def test_a_hook_gets_no_descriptors_but_the_first_three(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    config, log = with_log(bundle, folder, "ls /proc/self/fd > {log}/{kind}", "startContainer")
    runtime.output(config)
    assert (log / "startContainer").read_text().split() == ["0", "1", "2", "3"]
