# SPDX-License-Identifier: Apache-2.0
"""What is shipped: the wheel's size, and how many modules a program loads with the library."""

from __future__ import annotations

import subprocess
import sys
import zlib
from importlib.metadata import distribution

from gates import bounds


def test_the_wheel_is_as_small_as_counted() -> None:
    """A wheel is a zip archive: each file deflated, and some hundred bytes for its names."""
    listed = distribution("estiba").files or []
    names = [each for each in listed if each.suffix != ".pyc" and each.locate().is_file()]  # type: ignore[attr-defined]
    size = sum(len(zlib.compress(each.read_binary())) + 100 + 2 * len(str(each)) for each in names)
    bounds.hold("wheel", {"bytes": size}, room=1.0)


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
