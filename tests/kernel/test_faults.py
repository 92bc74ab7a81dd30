# SPDX-License-Identifier: Apache-2.0
"""Broken bundles (tests/support/faults.py): what `run` and `why`, through both doors, and `check` say of each, to the letter.

ESTIBA_GOLDEN=write writes tests/golden/faults anew.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from conftest import MakeBundle
from support import views
from support.bundles import Bundle
from support.faults import FAULTS, GOLDEN
from support.runtime import Runtime

pytestmark = [pytest.mark.estiba_only, pytest.mark.requires("root")]

UNFORESEEN = (
    "cgroup-file-unknown",
    "hook-fails",
    "hook-takes-too-long",
    "mount-data-wrong",
    "seccomp-forbids-the-start",
)
"""What only a start shows: the hooks' own doing, a file of a cgroup that is yet to be made, what a file system takes."""
DOORS = ([str(Path(sys.executable).with_name("estiba"))], [sys.executable, "-I", "-m", "estiba"])


def of(view: str) -> list[str]:
    """The faults that a view of the cgroups is needed for."""
    return [name for name, fault in FAULTS.items() if fault.view == view]


@pytest.mark.views("hybrid")
@pytest.mark.skipif(views.host_is_pure_v2(), reason="lacks: the hybrid view, whose words are stored")
@pytest.mark.parametrize("name", of("hybrid"))
def test_a_fault_is_told_in_the_stored_words(runtime: Runtime, bundle: MakeBundle, name: str) -> None:
    check(runtime, bundle, name)


@pytest.mark.views("v2")
@pytest.mark.requires("undelegated:memory")
@pytest.mark.parametrize("name", of("v2"))
def test_a_fault_of_cgroup_v2_is_told_in_the_stored_words(
    runtime: Runtime, bundle: MakeBundle, name: str
) -> None:
    check(runtime, bundle, name)


def check(runtime: Runtime, bundle: MakeBundle, name: str) -> None:
    """Run a broken bundle through both doors, ask why, and check it."""
    fault = FAULTS[name]
    config = bundle(["true"], fault.changes)
    fault.prepare(config)
    said, whys = [], []
    for door in DOORS:
        runtime.words = door
        result = runtime.run(config)
        assert (result.code, result.out) == (1, ""), str(result)
        said.append(result.err)
        whys.append(without_numbers(runtime.must("why", config.id).out))
    assert shown(said[0], config) == shown(said[1], config)
    assert shown(whys[0], config) == shown(whys[1], config)
    checked = runtime.call("check", str(config.path))
    told = {"run -b BUNDLE ID": said[0], "check BUNDLE": f"{checked.out}{checked.err}", "why ID": whys[0]}
    text = shown("\n".join(f"$ estiba {line}\n{words}" for line, words in told.items()), config)
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("ESTIBA_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()
    assert checked.code == (0 if name in UNFORESEEN else 1), text


def without_numbers(why: str) -> str:
    """Leave out when it was, and how many steps this host needs."""
    return re.sub(r"step \d+ of \d+", "step N of N", re.sub(r" failed at \S+", " failed at TIME", why))


def shown(text: str, config: Bundle) -> str:
    """Leave out what differs from run to run."""
    text = text.replace(os.path.relpath(config.path, "/"), "BUNDLE").replace("/BUNDLE", "BUNDLE")
    if "linux" in config.config:
        text = text.replace(config.cgroup, "CGROUP").replace(os.path.dirname(config.cgroup), "PARENT")
    text = re.sub(r"after \d+ ms", "after N ms", text)
    text = text.replace(Path("/proc/sys/fs/nr_open").read_text().strip(), "NR_OPEN")
    return text.replace(config.id, "ID")
