# SPDX-License-Identifier: Apache-2.0
"""Fixtures of several tests that start containers: what of the host is mounted into them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.runtime import Runtime


@pytest.fixture
def volume(folder: Path) -> Path:
    """A folder of root's on the host, with one file in it."""
    made = folder / "volume"
    made.mkdir()
    (made / "file").write_text("from the host\n")
    return made


@pytest.fixture
def nested(runtime: Runtime, volume: Path) -> Iterator[Path]:
    """The volume with a tmpfs inside that has a file of root's, in the runtime's view."""
    (volume / "inner").mkdir()
    enter = runtime.view.enter()
    subprocess.run([*enter, "mount", "-t", "tmpfs", "inner", volume / "inner"], check=True)
    subprocess.run([*enter, "touch", volume / "inner" / "deep"], check=True)
    yield volume
    subprocess.run([*enter, "umount", volume / "inner"], check=True)
