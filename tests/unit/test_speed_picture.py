# SPDX-License-Identifier: Apache-2.0
"""The pictures of the speed show the results that are named below them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("page", "picture", "cases"),
    [
        ("README.md", "speed.svg", ["run", "exec", "the five"]),
        ("docs/muelle.md", "images.svg", ["cold", "changed", "cached", "copy", "run"]),
    ],
)
def test_drawing_the_picture_again_changes_nothing(page: str, picture: str, cases: list[str]) -> None:
    text = (CHECKOUT / page).read_text()
    (result,) = re.findall(r"\]\((?:\.\./)?(benches/results/[^)]*\.json)\)", text)
    draw = [sys.executable, "benches/plot.py", result, *cases]
    drawn = subprocess.run(draw, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert drawn == (CHECKOUT / "benches" / picture).read_text()
