# SPDX-License-Identifier: Apache-2.0
"""The command `muelle` itself: its verbs, its help, how it fails and how fast it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from estiba.muelle import main
from estiba.tables import muelle as tables
from estiba.tables.version import VERSION

MUELLE = Path(sys.executable).parent / "muelle"


def muelle(*args: str) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return subprocess.run([MUELLE, *args], capture_output=True, text=True, check=False)


def test_every_verb_has_a_function_that_is_there() -> None:
    """What the parser takes is answered."""
    assert list(main.FUNCTIONS) == list(tables.VERBS)
    for place in main.FUNCTIONS.values():
        module, _, function = place.partition(":")
        assert callable(getattr(import_module(f"estiba.muelle.{module}"), function))


@pytest.mark.parametrize("verb", ["", *tables.VERBS])
def test_every_verb_has_help(verb: str) -> None:
    """On standard output, with all its options."""
    done = muelle(*filter(None, [verb]), "--help")
    options = tables.VERBS[verb][2] if verb else tables.GLOBAL
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"--{name}" in done.stdout for name, *_rest in options)


def test_no_two_options_of_a_verb_share_a_letter_or_a_name() -> None:
    """The parser takes the first: the second could never be given."""
    for _summary, _words, options in tables.VERBS.values():
        names = [name for name, *_rest in options] + [option[1] for option in options if option[1]]
        assert len(names) == len(set(names))


def test_a_command_line_that_cannot_be_taken_is_125() -> None:
    """A line and a hint on standard error, nothing on standard output."""
    done = muelle("verison")
    assert (done.returncode, done.stdout) == (125, "")
    assert done.stderr == '"verison" is not a command\nhint: did you mean "version"?\n'


def test_version_is_the_one_of_the_tables() -> None:
    """By the verb and by the option."""
    assert muelle("version").stdout == muelle("--version").stdout
    assert muelle("--version").stdout.startswith(f"muelle version {VERSION}\n")


def test_a_reader_that_has_left_is_no_bug() -> None:
    """`muelle --help | true` says nothing of it."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([MUELLE, "--help"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


START_MODULES = {"version": 42, "--help": 42}
"""Most modules that a command line may import over a bare interpreter: each costs a third of a millisecond."""


@pytest.mark.parametrize("line", START_MODULES)
def test_verb_imports_few_modules(line: str) -> None:
    """Start-up is a feature."""
    program = (
        "import sys; before = set(sys.modules); from estiba.muelle.main import main; "
        f"main({line.split()!r}); new = set(sys.modules) - before; print(*sorted(new))"
    )
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    modules = done.stdout.splitlines()[-1].split()
    assert len(modules) <= START_MODULES[line], modules
