# SPDX-License-Identifier: Apache-2.0
"""The README's Python does what the README says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from support import rootfs

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.estiba_only
def test_the_example_of_the_library_gives_what_is_printed(
    folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs in this process, in an empty state root."""
    (folder / "web").mkdir()
    rootfs.make(folder / "web/rootfs", prepared)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    result = doctest.testfile(str(README), module_relative=False)
    assert (result.failed, result.attempted > 0) == (0, True)
