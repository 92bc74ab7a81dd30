# SPDX-License-Identifier: Apache-2.0
"""What stands in two places says the same in both."""

from __future__ import annotations

import tomllib
from pathlib import Path

from estiba import _core, errors
from estiba.cli import main
from estiba.cli.parse import VERBS
from estiba.tables import transitions, version
from estiba.tables.errors import ERROR_KINDS

REPOSITORY = Path(__file__).resolve().parents[2]


def leaves(kind: type[errors.EstibaError]) -> set[str]:
    """Return the names of the classes below `kind` that have none below them."""
    below = kind.__subclasses__()
    return set().union(*map(leaves, below)) if below else {kind.__name__}


def test_every_error_kind_is_a_class_and_every_class_a_kind() -> None:
    """errors.py and the table of kinds name the same; a caller's values, images and builds Python alone judges."""
    pythons = {"ArgumentInvalid"} | leaves(errors.ImageError) | leaves(errors.BuildError)
    assert leaves(errors.EstibaError) == {*ERROR_KINDS} | pythons


def test_engine_knows_the_same_error_kinds() -> None:
    """The engine can raise each class, and no other."""
    assert set(_core.error_kinds()) == set(ERROR_KINDS)


def test_every_verb_has_a_function() -> None:
    """What the parser takes, the Python door answers."""
    assert set(main.VERBS) == set(VERBS)


def test_every_function_of_a_verb_is_there() -> None:
    """The verb table names modules and functions that exist."""
    from importlib import import_module

    for place in main.VERBS.values():
        module, _, function = place.partition(":")
        assert callable(getattr(import_module(f"estiba.cli.{module}"), function))


def test_versions_are_one() -> None:
    """pyproject.toml, Cargo.toml, the table and the engine have the same version."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    workspace = tomllib.loads((REPOSITORY / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    assert {project, workspace, _core.__version__} == {version.VERSION}


def test_states_of_the_transition_table_are_known() -> None:
    """A transition leads from a known state to a known state, or to the end."""
    named = {state for steps in transitions.TRANSITIONS.values() for pair in steps.items() for state in pair}
    assert named <= {*transitions.STATES, "absent"}
