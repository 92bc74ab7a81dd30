# SPDX-License-Identifier: Apache-2.0
"""The native command as a program: what it needs, what it inherits, and how it hands over to Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from conftest import MakeBundle
from support.runtime import Runtime

pytestmark = pytest.mark.estiba_only

FAKE_PYTHON = """#!/bin/sh
for word in "$0" "$@"; do echo "argument $word"; done
/usr/bin/env
"""


@pytest.fixture
def alone(folder: Path) -> Path:
    """The command in a folder of its own, without a Python beside it."""
    beside = folder / "bin"
    beside.mkdir()
    return Path(shutil.copy2(Path(sys.executable).with_name("estiba"), beside / "estiba"))


def call(argv: Sequence[str | bytes | Path], **environ: str) -> subprocess.CompletedProcess[str]:
    """Call a command that starts no container."""
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, env=environ, check=False
    )


def fake_python(beside: Path, name: str) -> Path:
    """Put a program that tells how it was called where Python would be."""
    python = beside.with_name(name)
    python.write_text(FAKE_PYTHON)
    python.chmod(0o755)
    return python


@pytest.mark.core
def test_a_container_lives_its_life_without_python(runtime: Runtime, bundle: MakeBundle, alone: Path) -> None:
    runtime.words = [str(alone)]
    container = runtime.start(bundle("sleep 1000"))
    assert container.status() == "running"
    assert container.exec("echo", "inside").out == "inside\n"
    runtime.must("pause", container.id)
    runtime.must("resume", container.id)
    container.kill()
    assert container.wait() == 128 + 9
    runtime.must("delete", container.id)


def test_without_python_the_command_says_why_it_wants_it_and_where_it_looked(alone: Path) -> None:
    said = call([alone, "list"])
    assert said.returncode == 1
    message, hint = said.stderr.splitlines()
    assert message == "`estiba list` runs in Python, and there is none"
    assert f'"{alone.with_name("python3")}", "{alone.with_name("python")}"' in hint
    alone.with_name("python3").touch(mode=0o644)
    assert f'"{alone.with_name("python3")}": access refused (EACCES), ' in call([alone, "list"]).stderr


def test_without_python_a_config_that_is_not_proved_is_refused_with_the_reason(
    alone: Path, folder: Path
) -> None:
    (folder / "config.json").write_text('{"ociVersion": 7}')
    said = call([alone, "--root", folder / "state", "create", "--bundle", folder, "c"])
    assert said.returncode == 1
    assert said.stderr.startswith(f'"{folder}/config.json" needs a closer look, which is Python\'s: ')
    assert not (folder / "state").exists()


@pytest.mark.parametrize("name", ["python3", "python"])
def test_the_hand_over_keeps_argv_and_isolates_python(alone: Path, name: str) -> None:
    python = fake_python(alone, name)
    said = call([alone, "--root", "/x y", "list", "-q"])
    words = [
        line.removeprefix("argument ") for line in said.stdout.splitlines() if line.startswith("argument ")
    ]
    assert words == [str(python), "-I", "-m", "estiba", "--root", "/x y", "list", "-q"]


def test_no_variable_that_python_or_the_loader_obeys_passes_the_hand_over(alone: Path) -> None:
    fake_python(alone, "python3")
    said = call([alone, "list"], PYTHONPATH="/x", PYTHONHOME="/x", LD_LIBRARY_PATH="/x", KEPT="yes")
    names = {line.partition("=")[0] for line in said.stdout.splitlines() if not line.startswith("argument ")}
    assert "KEPT" in names
    assert not {name for name in names if name.startswith(("PYTHON", "LD_"))}


def test_python_is_never_taken_from_path(alone: Path, folder: Path) -> None:
    elsewhere = folder / "path"
    elsewhere.mkdir()
    fake_python(elsewhere / "x", "python3")
    assert call([alone, "list"], PATH=str(elsewhere)).returncode == 1


def test_an_argument_that_is_not_utf_8_is_refused_by_its_number(alone: Path) -> None:
    said = call([alone, "state", b"caf\xe9"])
    assert (said.returncode, said.stderr) == (1, 'argument 2 is not UTF-8: "caf\\xe9"\n')


def test_a_failure_is_one_record_in_the_log(alone: Path, folder: Path) -> None:
    log = folder / "log.json"
    words: list[str | Path] = [alone, "--root", folder / "state", "--log", log, "--log-format", "json"]
    for _ in range(2):
        call([*words, "kill", "nobody", "KILL"])
    first, second = (json.loads(line) for line in log.read_text().splitlines())
    assert first["level"] == second["level"] == "error"
    assert "does not exist" in first["msg"]


def test_run_tells_the_exit_code_to_a_caller_that_ignores_its_children(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    runtime.prefix = [
        sys.executable, "-c",
        "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
    ]  # fmt: skip
    runtime.words = [str(Path(sys.executable).with_name("estiba"))]
    assert runtime.run(bundle("exit 7")).code == 7


def test_a_container_does_not_get_the_commands_files_for_closed_descriptors(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    told = folder / "told"
    told.touch()
    config = bundle("readlink /proc/self/fd/0 /proc/self/fd/1 >/told; readlink /proc/self/fd/2 >>/told")
    config.change("/mounts/-", {"destination": "/told", "source": str(told), "options": ["bind"]})
    runtime.prefix = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    assert runtime.run(config).code == 0
    assert set(told.read_text().split()) <= {"/dev/null", "/told"}
