# SPDX-License-Identifier: Apache-2.0
"""The man pages are what the tables of arguments say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = REPOSITORY / "data/data/share/man/man1"


@pytest.mark.parametrize("command", ["estiba", "muelle"])
def test_rewriting_the_man_page_changes_nothing(command: str) -> None:
    """`python tools/man_page.py COMMAND` prints the page as it stands."""
    words = [sys.executable, "tools/man_page.py", command]
    written = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert written == (PAGES / f"{command}.1").read_text()
