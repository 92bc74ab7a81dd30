# SPDX-License-Identifier: Apache-2.0
"""`muelle build` of what comes by standard input: a Containerfile, or an archive with one and what it copies."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle

pytestmark = pytest.mark.requires("root")


def test_an_archive_is_the_context(own_store: Muelle, folder: Path) -> None:
    """Built as its folder would be, found again in the cache, and not kept."""
    context = folder / "context"
    context.mkdir()
    (context / "Containerfile").write_text("FROM busybox\nCOPY . /in\n")
    (context / ".containerignore").write_text("left out\n")
    (context / "file").write_text("x")
    (context / "left out").write_text("y")
    packed = subprocess.run(["tar", "-C", context, "-cz", "."], capture_output=True, check=True).stdout

    def built(*words: str | Path, given: bytes) -> str:
        argv = [PROGRAM, "build", "-q", *words]
        done = subprocess.run(argv, env=own_store.environ, input=given, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode()

    first = built("-t", "web", "-", given=packed)
    assert own_store.out("web", "ls", "-A", "/in") == ".containerignore\nContainerfile\nfile\n"
    assert built("-", given=packed) == built(context, given=b"") == first
    assert [name for name in os.listdir(own_store.store / "tmp") if name != ".guard"] == []


def test_a_containerfile_has_no_context(own_store: Muelle) -> None:
    """And where it copies from, none of its files are."""
    done = own_store("build", "-q", "-t", "web", "-", input="FROM busybox\nENV A=1\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert own_store.out("web", "sh", "-c", "echo $A") == "1\n"
    done = own_store("build", "-q", "-", input="FROM busybox\nCOPY file /\n")
    assert done.returncode == 1
    assert '"file"' in done.stderr
