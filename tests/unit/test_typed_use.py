# SPDX-License-Identifier: Apache-2.0
"""The library in a program that is checked by `mypy --strict`."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_the_example_of_the_readme_is_typed(tmp_path: Path) -> None:
    """As a user's program, outside of this project and its settings."""
    program = tmp_path / "program.py"
    program.write_text(doctest.script_from_examples(README.read_text()))
    check = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(program)]
    said = subprocess.run(check, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert said.stdout == "Success: no issues found in 1 source file\n"
