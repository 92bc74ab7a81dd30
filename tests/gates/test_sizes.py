# SPDX-License-Identifier: Apache-2.0
"""What is shipped: the wheel's size, and how many modules a program loads with the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gates import bounds

WHEELS = Path(__file__).parent.parent.parent / "target" / "wheels"


def test_the_wheel_is_as_small_as_counted() -> None:
    """The file that the last build has made."""
    made = max(WHEELS.glob("estiba-*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    bounds.hold("wheel", {"bytes": made.stat().st_size}, room=1.0)


def test_the_library_loads_as_few_modules_as_counted() -> None:
    found = {name: _modules(statement) for name, statement in STATEMENTS.items()}
    bounds.hold("modules", found, room=0.25)


STATEMENTS = {
    "import-estiba": "import estiba",
    "container": "from estiba import Container",
    "spec": "import estiba.spec",
}


def _modules(statement: str) -> int:
    program = f"import sys; before = set(sys.modules); {statement}; print(len(set(sys.modules) - before))"
    python = [sys.executable, "-I", "-c", program]
    return int(subprocess.run(python, stdout=subprocess.PIPE, text=True, check=True).stdout)
