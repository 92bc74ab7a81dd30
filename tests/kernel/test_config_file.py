# SPDX-License-Identifier: Apache-2.0
"""--config: a bundle whose config is another file than its config.json, as crun has it."""

from __future__ import annotations

from pathlib import Path

import pytest

import estiba
from conftest import MakeBundle
from support.bundles import Bundle
from support.processes import Pipe
from support.runtime import Runtime

pytestmark = pytest.mark.estiba_only


@pytest.fixture
def moved(bundle: MakeBundle, folder: Path) -> Bundle:
    """A bundle whose config is another file, in the test's folder; its program tells a variable of that config."""
    made = bundle("echo $KEY; exec sleep 1000", {"/process/env/-": "KEY=from here"})
    (made.path / "config.json").rename(folder / "other.json")
    return made


@pytest.mark.core
@pytest.mark.parametrize("option", ["-f", "--config"])
def test_a_config_elsewhere_is_named_relative_to_the_caller(
    runtime: Runtime, moved: Bundle, folder: Path, pipe: Pipe, option: str
) -> None:
    container = runtime.start(moved, option, "other.json", cwd=folder, stdout=pipe)
    assert pipe.readline() == "from here"
    assert container.exec("sh", "-c", "echo $KEY").out == "from here\n"
    assert container.exec("sh", "-c", "echo $KEY", flags=["--user", "7"]).out == "from here\n"
    container.delete()


def test_a_config_elsewhere_that_is_absent_is_named(runtime: Runtime, moved: Bundle, folder: Path) -> None:
    result = runtime.run(moved, "--config", f"{folder}/absent.json")
    assert (result.code, result.err) == (1, f'cannot read config "{folder}/absent.json": absent (ENOENT)\n')


def test_the_library_takes_a_config_elsewhere(
    runtime: Runtime, moved: Bundle, folder: Path, pipe: Pipe
) -> None:
    read = estiba.Bundle(moved.path, config_file=folder / "other.json")
    with estiba.Container.create(moved.id, read, root=str(runtime.root)) as container:
        process = container.exec(["sh", "-c", "echo $KEY"], stdio=(0, pipe.writer, 2))
        assert (process.wait(), pipe.readline()) == (0, "from here")
        process.close()
