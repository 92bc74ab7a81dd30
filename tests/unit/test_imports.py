# SPDX-License-Identifier: Apache-2.0
"""What the library costs before it does anything: modules over those of a bare interpreter, and the calls of a verdict.

The verbs of the command have such budgets in test_cli.py. A module takes a third of a millisecond.
"""

from __future__ import annotations

import subprocess
import sys

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

VALID, WRONG = 80, 215
"""Modules to judge a config whose shape is right, and one whose shape is wrong: jsonschema brings 140."""


CALLS = 1600
"""Of Python functions, for the verdict on the default config: 0.8 ms."""


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


def test_judging_a_config_of_the_right_shape_loads_no_validator() -> None:
    """Whatever else is wrong with it: 80 ms of CPU from the shell."""
    program = """
from estiba import spec
config = spec.default_config()
assert spec.validate(config) == []
config["linux"]["namespaces"] *= 2
assert spec.validate(config) != []
"""
    modules = imported(program)
    assert len(modules) <= VALID, modules
    assert HEAVY & set(modules) == set()


def test_judging_a_wrong_shape_loads_the_validator_and_little_else() -> None:
    """Who has a mistake in a config waits a tenth of a second longer for what it is."""
    modules = imported("from estiba import spec; assert len(spec.validate({})) == 2")
    assert "jsonschema" in modules
    assert len(modules) <= WRONG, modules


def test_default_config_is_judged_in_few_steps() -> None:
    """Under 5 ms in a process that has loaded the schema, held by what does not depend on the machine: calls."""
    config = spec.default_config()
    spec.validate(config)
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        assert spec.validate(config) == []
    finally:
        sys.setprofile(None)
    assert calls <= CALLS
