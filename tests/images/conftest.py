# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests of images."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty folder that looks as root file systems do."""
    made = tmp_path / "root"
    made.mkdir()
    made.chmod(0o755)
    return made
