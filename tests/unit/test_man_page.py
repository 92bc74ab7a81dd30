# SPDX-License-Identifier: Apache-2.0
"""The man page is what the tables of arguments say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "data/data/share/man/man1/estiba.1"


def test_rewriting_the_man_page_changes_nothing() -> None:
    """`python tools/man_page.py` prints the page as it stands."""
    command = [sys.executable, "tools/man_page.py"]
    written = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert written == PAGE.read_text()
