# SPDX-License-Identifier: Apache-2.0
"""`estiba trace`: a start that really happens, each phase with its time, and nothing left of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from estiba.lifecycle import trace_start
from support import views
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

HOOK = {"path": "/bin/sh", "args": ["sh", "-c", "sleep 1"]}


def traced(runtime: Runtime, bundle: Path, *options: str) -> list[dict[str, Any]]:
    """The phases of one start."""
    told: list[dict[str, Any]] = json.loads(
        runtime.must("trace", "--format", "json", *options, str(bundle)).out
    )
    return told


def test_trace_tells_of_each_step_where_it_comes_from(runtime: Runtime, bundle: MakeBundle) -> None:
    told = traced(runtime, bundle("sleep 1000").path)
    engine = [phase["name"] for phase in told if phase["who"] == "engine"]
    init = [(phase["name"], phase["pointer"]) for phase in told if phase["who"] == "init"]
    assert (engine[0], engine[-2:]) == ("read the config", ["write init's pid", "wait for init"])
    assert ("mount filesystem", "/mounts/0") in init
    assert init[-1] == ("execute", "/process/args/0")


def test_phases_follow_each_other_also_in_another_time(runtime: Runtime, bundle: MakeBundle) -> None:
    offsets = {"monotonic": {"secs": 7_000}, "boottime": {"secs": 7_000}}
    changes = {"/linux/namespaces/-": {"type": "time"}, "/linux/timeOffsets": offsets}
    found = trace_start(bundle("true", changes).path, root=str(runtime.root))
    whole = max(phase.begin + phase.duration for phase in found if phase.who == "engine")
    assert found == sorted(found, key=lambda phase: phase.begin)
    assert all(0 <= phase.begin <= phase.begin + phase.duration <= whole + 1e-6 for phase in found)


def test_a_slow_hook_is_the_longest_phase(runtime: Runtime, bundle: MakeBundle) -> None:
    told = traced(runtime, bundle("true", {"/hooks/createRuntime": [HOOK]}).path)
    longest = max((phase for phase in told if phase["who"] == "engine"), key=lambda phase: phase["duration"])
    assert longest["name"] == "createRuntime hooks"


def test_init_asks_no_time_under_a_filter(runtime: Runtime, bundle: MakeBundle) -> None:
    rule = {"names": ["clock_gettime"], "action": "SCMP_ACT_KILL_PROCESS"}
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule]}
    told = traced(runtime, bundle("true", {"/linux/seccomp": profile}).path)
    init = [phase["name"] for phase in told if phase["who"] == "init"]
    assert init[-1] == "seccomp"


def test_a_bundle_with_a_terminal_is_traced_without_one(runtime: Runtime, bundle: MakeBundle) -> None:
    told = traced(runtime, bundle("true", {"/process/terminal": True}).path)
    assert "terminal" not in {phase["name"] for phase in told}


def test_trace_draws_what_it_tells(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    picture = folder / "start.svg"
    told = traced(runtime, bundle("true").path, "--svg", str(picture))
    assert picture.read_text().count("<rect ") == len(told)


def test_a_start_that_fails_is_told_as_any_other(runtime: Runtime, bundle: MakeBundle) -> None:
    failed = runtime.call("trace", str(bundle(["/bin/absent"]).path))
    assert failed.code == 1
    assert failed.err.splitlines()[0] == (
        'config.json /process/args/0: exec "/bin/absent": no such file or directory'
    )
