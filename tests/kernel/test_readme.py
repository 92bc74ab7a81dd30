# SPDX-License-Identifier: Apache-2.0
"""The Python in README.md and docs/library.md does what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from support import rootfs

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.estiba_only
@pytest.mark.parametrize("page", ["README.md", "docs/library.md"])
def test_the_examples_of_the_library_give_what_is_printed(
    folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    """It runs in this process, in an empty state root."""
    (folder / "web").mkdir()
    rootfs.make(folder / "web/rootfs", prepared)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    result = doctest.testfile(str(REPOSITORY / page), module_relative=False)
    assert (result.failed, result.attempted > 0) == (0, True)
