# SPDX-License-Identifier: Apache-2.0
"""What the library costs before it does anything: modules over those of a bare interpreter, and the time of a verdict.

The verbs of the command have such budgets in test_cli.py. A module takes a third of a millisecond.
"""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from estiba import spec

MODULES = {
    "import estiba": 3,
    "from estiba import EstibaError": 35,
    "from estiba.spec import default_config, parse": 60,
    "from estiba import Bundle": 65,
    "from estiba import Bundle, Container": 75,
    "from estiba.lifecycle import failed_starts, sweep": 60,
}
HEAVY = {"asyncio", "dataclasses", "inspect", "jsonschema", "subprocess", "ssl", "socket"}

VALIDATE = 210
"""jsonschema brings 140 of them."""


def imported(program: str) -> list[str]:
    """List what a program has imported, over what the interpreter starts with."""
    count = "import sys; _before = set(sys.modules)\n{}\nprint(*sorted(set(sys.modules) - _before))"
    python = [sys.executable, "-I", "-c", count.format(program)]
    done = subprocess.run(python, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("line", MODULES)
def test_import_loads_few_modules(line: str) -> None:
    """`import estiba` alone next to nothing, a Container nothing that only a rare call needs."""
    modules = imported(line)
    assert len(modules) <= MODULES[line], modules
    assert HEAVY & set(modules) == set()


def test_container_that_is_proved_is_made_without_the_schema() -> None:
    """What the engine takes as surely valid loads no validator."""
    program = """
from estiba import Bundle, Container, spec
from estiba.lifecycle.judged_bundle import judged_bundle
import json, os, tempfile
with tempfile.TemporaryDirectory() as place:
    os.mkdir(f"{place}/rootfs")
    judged_bundle(Bundle.make(place), root=place, id="a")
"""
    assert "jsonschema" not in imported(program)


def test_validating_loads_the_schema_and_little_else() -> None:
    """150 ms of CPU from the shell, most of them jsonschema's."""
    program = "from estiba import spec; assert spec.validate(spec.default_config()) == []"
    modules = imported(program)
    assert "jsonschema" in modules
    assert len(modules) <= VALIDATE, modules


def test_default_config_is_judged_in_five_milliseconds() -> None:
    """In a process that has loaded the schema; the best of many, since others use this machine too."""
    config = spec.default_config()
    spec.validate(config)
    times = []
    for _ in range(30):
        began = time.process_time()
        assert spec.validate(config) == []
        times.append(time.process_time() - began)
    assert min(times) < 0.005
