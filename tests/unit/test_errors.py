# SPDX-License-Identifier: Apache-2.0
"""Errors carry facts as attributes, and one line that stays short."""

from __future__ import annotations

import ast
import copy
import pickle
from errno import ENAMETOOLONG
from pathlib import Path

import pytest

from estiba import _core, errors
from estiba.errors import (
    ConfigInvalid,
    ContainerNotFound,
    EstibaError,
    HookFailed,
    KernelRefused,
    WrongState,
    cause,
)
from estiba.problems import Problem

LONG = "/" + "b" * 300 + "/" + "ä" * 300


def test_facts_are_attributes_and_what_is_not_given_has_its_default() -> None:
    """Of the class, and of those above it."""
    error = WrongState("text", id="web", status="paused", wanted=("running",), hint="do")
    assert (error.id, error.status, error.wanted, error.hint) == ("web", "paused", ("running",), "do")
    assert (error.pointer, error.errno) == (None, None)
    assert ContainerNotFound("text").id == ""
    assert (HookFailed("text").argv, HookFailed("text").exit_status) == ((), None)


def test_a_fact_that_a_class_has_not_is_refused() -> None:
    """A slip of a caller is no silent attribute."""
    with pytest.raises(TypeError, match="^KernelRefused has no status$"):
        KernelRefused("text", status="running")


@pytest.mark.parametrize("copied", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_come_whole_from_other_processes(copied: object) -> None:
    """As concurrent.futures sends them."""
    error = ConfigInvalid("text", pointer="/a", hint="do", problems=(Problem("/a", "wrong"),))
    other = copied(error)  # type: ignore[operator]
    assert (type(other), str(other), vars(other)) == (ConfigInvalid, "text", vars(error))


def test_what_is_long_in_quotes_loses_its_middle() -> None:
    """A path may be of 4096 bytes."""
    assert str(EstibaError(f'"{LONG}" and "{LONG[:512]}": no')) == (
        f'"{LONG[:200]}...{LONG[-200:]}" and "{LONG[:512]}": no'
    )


def test_the_engine_shortens_alike() -> None:
    """The same fault has the same sentence through both doors."""
    with pytest.raises(KernelRefused) as caught:
        _core.containers(root=LONG)
    said = f'cannot open the state root "{LONG}": {cause(ENAMETOOLONG)}'
    assert str(caught.value) == str(KernelRefused(said)) != said


def test_every_attribute_of_a_class_can_be_given() -> None:
    """What the classes declare and what their one constructor takes are the same names."""
    declared = {name for kind in kinds(EstibaError) for name in kind.__annotations__}
    # Known to type checkers alone: at run time the errors do without the typing module.
    source = ast.parse(Path(errors.__file__).read_text())
    facts = next(node for node in ast.walk(source) if isinstance(node, ast.ClassDef) and node.name == "Facts")
    given = {ast.unparse(each.target) for each in facts.body if isinstance(each, ast.AnnAssign)}
    assert declared - {"message"} == given


def kinds(kind: type[EstibaError]) -> list[type[EstibaError]]:
    """A class and all below it."""
    return [kind, *(each for below in kind.__subclasses__() for each in kinds(below))]
