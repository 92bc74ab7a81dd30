# SPDX-License-Identifier: Apache-2.0
"""The Rust tables are what estiba.tables says, and what rustfmt would write."""

from __future__ import annotations

import subprocess
from pathlib import Path

from estiba import codegen

REPOSITORY = Path(__file__).resolve().parents[2]
GENERATED = REPOSITORY / codegen.GENERATED


def test_regenerating_changes_nothing() -> None:
    """Each generated file is exactly what the tables give today."""
    present = {path.name: path.read_text() for path in GENERATED.iterdir()}
    assert present == codegen.files()


def test_generated_rust_is_formatted() -> None:
    """`cargo fmt` leaves the generated files alone."""
    command = ["rustfmt", "--edition", "2024", "--check", "--quiet", str(GENERATED / "mod.rs")]
    check = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout) == (0, "")
