# SPDX-License-Identifier: Apache-2.0
"""The README's picture of the speed shows the result that the README names."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def test_drawing_the_picture_again_changes_nothing() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    (result,) = re.findall(r"\]\((benches/results/[^)]*\.json)\)", readme)
    draw = [sys.executable, "benches/plot.py", result, "run", "exec", "the five"]
    drawn = subprocess.run(draw, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert drawn == (CHECKOUT / "benches/speed.svg").read_text()
