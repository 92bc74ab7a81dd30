# SPDX-License-Identifier: Apache-2.0
"""The native command and the Python door say the same, to the letter, whatever is wrong."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import views
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0])]

OF_NOBODY = [
    *(
        [verb, "nobody"]
        for verb in ("state", "start", "kill", "delete", "pause", "resume", "ps", "update", "events")
    ),
    ["exec", "nobody", "true"],
    ["delete", "--force", "nobody"],
]

MISUSED = [
    [],
    ["--version"],
    ["strat", "nobody"],
    ["--rot", "state", "nobody"],
    ["state"],
    ["state", "a/b"],
    ["state", ".."],
    ["kill", "nobody", "FOO"],
    ["kill", "nobody", "65"],
    ["kill", "nobody", "KILL\n\x1b[1m"],
    ["x" * 2000],
    ["exec", "nobody"],
    ["create", "--bundle", "/nowhere", "new"],
    ["create", "--preserve-fds", "x", "new"],
    ["list", "--format", "xml"],
    ["list"],
    ["checkpoint", "--help"],
]

OF_A_CREATED_ONE = [
    ["create", "--bundle", "BUNDLE", "ID"],
    ["run", "--bundle", "BUNDLE", "ID"],
    ["state", "ID"],
    ["resume", "ID"],
    ["kill", "ID", "0"],
    ["exec", "ID", "/bin/nothing"],
    ["exec", "ID", "nothing"],
    ["exec", "--process", "/nowhere", "ID"],
    ["exec", "--detach", "--tty", "ID", "true"],
    ["exec", "--console-socket", "/nowhere", "ID", "true"],
    ["exec", "--user", "root", "ID", "true"],
    ["exec", "--additional-gids", "wheel", "ID", "true"],
    ["exec", "--pidfd-socket", "/nowhere", "ID", "true"],
    ["list"],
    ["list", "--quiet"],
    ["ps", "--format", "json", "ID"],
]

OF_A_RUNNING_ONE = [["start", "ID"], ["delete", "ID"], ["resume", "ID"]]

OF_A_STOPPED_ONE = [
    [verb, "ID"] for verb in ("start", "kill", "pause", "resume", "update", "events", "state", "ps")
]


NATIVE = [str(Path(sys.executable).with_name("estiba"))]
PYTHON = [sys.executable, "-I", "-m", "estiba"]


def through(door: list[str], runtime: Runtime, line: list[str], **keywords: Any) -> tuple[int, str, str]:
    """Make a call through one door."""
    words, runtime.words = runtime.words, door
    result = runtime.call(*line, **keywords)
    runtime.words = words
    return result.code, result.out, result.err


def same(runtime: Runtime, line: list[str], **facts: str) -> None:
    """Assert that both doors answer alike."""
    filled = [facts.get(word, word) for word in line]
    assert through(NATIVE, runtime, filled) == through(PYTHON, runtime, filled)


@pytest.mark.parametrize("line", OF_NOBODY, ids=" ".join)
def test_both_doors_answer_alike_for_an_unknown_container(runtime: Runtime, line: list[str]) -> None:
    same(runtime, line)


@pytest.mark.parametrize("line", MISUSED, ids=" ".join)
def test_both_doors_answer_alike_when_misused(runtime: Runtime, line: list[str]) -> None:
    same(runtime, line)


@pytest.mark.parametrize("line", OF_A_CREATED_ONE, ids=" ".join)
def test_both_doors_answer_alike_for_a_created_container(
    runtime: Runtime, bundle: MakeBundle, line: list[str]
) -> None:
    container = runtime.create(bundle("sleep 1000"))
    same(runtime, line, ID=container.id, BUNDLE=str(container.bundle.path))
    container.delete()


@pytest.mark.parametrize("line", OF_A_RUNNING_ONE, ids=" ".join)
def test_both_doors_answer_alike_for_a_running_container(
    runtime: Runtime, bundle: MakeBundle, line: list[str]
) -> None:
    container = runtime.start(bundle("sleep 1000"))
    same(runtime, line, ID=container.id)
    container.delete()


@pytest.mark.parametrize("line", OF_A_STOPPED_ONE, ids=" ".join)
def test_both_doors_answer_alike_for_a_stopped_container(
    runtime: Runtime, bundle: MakeBundle, line: list[str]
) -> None:
    container = runtime.start(bundle("true"))
    container.wait()
    same(runtime, line, ID=container.id)
    container.delete()


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/root/path", "nowhere"),
        ("/process/args/0", "/bin/nothing"),
        ("/process/cwd", "x"),
        ("/ociVersion", "9.0.0"),
    ],
)
def test_both_doors_refuse_a_config_in_the_same_words(
    runtime: Runtime, bundle: MakeBundle, pointer: str, value: str
) -> None:
    config = bundle(["/bin/true"], {pointer: value})
    same(runtime, ["create", "--bundle", str(config.path), config.id])


@pytest.mark.parametrize("door", [NATIVE, PYTHON], ids=["native", "python"])
def test_data_that_cannot_be_written_is_a_failure(
    runtime: Runtime, bundle: MakeBundle, door: list[str]
) -> None:
    """A state that a full disk has cut off looks like none."""
    container = runtime.create(bundle("sleep 1000"))
    said = "cannot write standard output: no space or quota left (ENOSPC)\n"
    with open("/dev/full", "wb") as full:
        for line in (["state", container.id], ["--version"]):
            assert through(door, runtime, line, stdout=full) == (1, "", said)
    container.delete()


@pytest.mark.parametrize("door", [NATIVE, PYTHON], ids=["native", "python"])
def test_the_log_holds_what_its_level_asks_for(
    runtime: Runtime, bundle: MakeBundle, folder: Path, door: list[str]
) -> None:
    """Warnings are told in any case; --debug is the lowest level whatever else is said."""
    config = bundle(["/bin/true"], {"/process/capabilities": {"bounding": ["CAP_NEW"]}})
    warned = "warning: config.json /process/capabilities/bounding/0: "
    for words, is_kept in ((["error"], False), (["error", "--debug"], True), (["warn"], True)):
        log = folder / "log"
        line = ["--log", str(log), "--log-level", *words, "run", "--bundle", str(config.path), config.id]
        code, _out, told = through(door, runtime, line)
        assert (code, told[: len(warned)]) == (0, warned)
        assert (log.exists() and "level=warning" in log.read_text()) is is_kept
        log.unlink(missing_ok=True)
