# SPDX-License-Identifier: Apache-2.0
"""What a command line loads before it does anything: to import a module takes a third of a millisecond or more.

A time would be another one on each machine; how many modules there are is not. Lower a bound when a count falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from muelle.conftest import Muelle

BUILD_FIRST, BUILD_AGAIN = 173, 147
"""One of each is what a build is made from; four of the first, one of the second, end what runs when it is interrupted."""
LINES = {
    ("images",): 77,
    ("history", "busybox"): 76,
    ("inspect", "busybox"): 101,
    ("tag", "busybox", "other"): 71,
    ("run", "--rm", "busybox", "true"): 129,
}
HEAVY = {
    "argparse",
    "asyncio",
    "dataclasses",
    "inspect",
    "jsonschema",
    "rich",
    "socket",
    "ssl",
    "subprocess",
    "urllib3",
}


def imported(muelle: Muelle, *words: str) -> Sequence[str]:
    """Do a command line; return what it has imported over what the interpreter starts with."""
    program = (
        "import sys; before = set(sys.modules); from estiba.muelle.main import main; code = main(sys.argv[1:]); "
        "print(*sorted(set(sys.modules) - before)); sys.exit(code)"
    )
    done = muelle.python("-I", "-c", program, *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_a_verb_loads_few_modules(muelle: Muelle, line: tuple[str, ...]) -> None:
    """None of the large ones, and of the others as few as counted."""
    words = ["run", "--cgroup-parent", muelle.cgroup_parent, *line[1:]] if line[0] == "run" else line
    found = imported(muelle, *words)
    assert len(found) <= LINES[line], found
    assert HEAVY & set(found) == set()


def test_a_build_that_finds_its_results_loads_nothing_of_containers(muelle: Muelle, tmp_path: Path) -> None:
    """And one that has to run something loads not much more."""
    (tmp_path / "Containerfile").write_text("FROM busybox\nCOPY Containerfile /\nRUN echo hello > /made\n")
    words = ("build", "--quiet", "--tag", "made", str(tmp_path))
    first, again = imported(muelle, *words), imported(muelle, *words)
    assert "estiba.lifecycle.container" in first
    assert "estiba.lifecycle.container" not in again
    assert len(first) <= BUILD_FIRST, first
    assert len(again) <= BUILD_AGAIN, again
    assert HEAVY & {*first, *again} == set()
