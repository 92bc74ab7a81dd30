# SPDX-License-Identifier: Apache-2.0
"""Broken bundles (tests/support/faults.py): what `run`, through both doors, and `check` say of each, to the letter.

ESTIBA_GOLDEN=write writes tests/golden/faults anew.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import views
from support.faults import FAULTS
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.views("hybrid"), pytest.mark.requires("root")]

GOLDEN = Path(__file__).parents[1] / "golden" / "faults"
UNFORESEEN = ("hook-fails", "hook-takes-too-long", "cgroup-file-unknown")
"""What only a start shows: the hooks' own doing, and a file of a cgroup that is yet to be made."""
DOORS = ([str(Path(sys.executable).with_name("estiba"))], [sys.executable, "-I", "-m", "estiba"])


@pytest.mark.skipif(views.host_is_pure_v2(), reason="lacks: the hybrid view, whose words are stored")
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_in_the_stored_words(runtime: Runtime, bundle: MakeBundle, name: str) -> None:
    fault = FAULTS[name]
    config = bundle(["true"], fault.changes)
    fault.prepare(config)
    said = []
    for door in DOORS:
        runtime.words = door
        result = runtime.run(config)
        assert (result.code, result.out) == (1, ""), str(result)
        said.append(result.err)
    assert said[0] == said[1]
    checked = runtime.call("check", str(config.path))
    lines = [f"$ estiba run -b BUNDLE ID\n{said[0]}", f"$ estiba check BUNDLE\n{checked.out}{checked.err}"]
    shown = "\n".join(lines).replace(os.path.relpath(config.path, "/"), "BUNDLE").replace("/BUNDLE", "BUNDLE")
    shown = shown.replace(config.cgroup, "CGROUP") if "linux" in config.config else shown
    shown = shown.replace(Path("/proc/sys/fs/nr_open").read_text().strip(), "NR_OPEN")
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("ESTIBA_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown.replace(config.id, "ID"))
    assert shown.replace(config.id, "ID") == golden.read_text()
    assert checked.code == (0 if name in UNFORESEEN else 1), shown
