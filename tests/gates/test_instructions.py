# SPDX-License-Identifier: Apache-2.0
"""What the engine's pure work costs: instructions and heap allocations to prove, to plan, to compile a filter.

rust/engine/examples/counted.rs does each N times under callgrind; what one time costs is the difference of two N. After
the plan there is no such count: init has no allocator, and the command's own is a bump of one arena, which costs what
it touches of it: that is among the page faults.
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from estiba.spec import default_config
from gates import bounds
from support import recorded

CHECKOUT = Path(__file__).resolve().parents[2]
PROFILE = "podman-run"
TIMES = 10

pytestmark = [
    pytest.mark.estiba_only,
    pytest.mark.requires("command:cargo", "command:rustc", "command:valgrind"),
]


@pytest.fixture(scope="module")
def counted() -> Path:
    """The program that is counted."""
    build = ["cargo", "build", "--quiet", "--profile=counted", "--package=estiba-engine", "--example=counted"]
    subprocess.run(build, cwd=CHECKOUT, check=True)
    return CHECKOUT / "target" / "counted" / "examples" / "counted"


def test_pure_work_costs_what_was_counted(counted: Path, tmp_path: Path) -> None:
    configs = {"default": default_config(), PROFILE: _recorded(tmp_path)}
    works = (
        [("prove", name) for name in configs]
        + [("plan", name) for name in configs]
        + [("known", PROFILE), ("filter", PROFILE)]
    )
    instructions, allocations = {}, {}
    for work, name in works:
        text = json.dumps(configs[name])
        once, often = (_count(counted, work, times, text, tmp_path / "out") for times in (1, 1 + TIMES))
        instructions[f"{work}-{name}"] = (often[0] - once[0]) // TIMES
        allocations[f"{work}-{name}"] = (often[1] - once[1]) // TIMES
    bounds.hold("allocations", allocations, room=0.03)
    # The C library's memcpy is another one on another processor.
    share = 0.02 if bounds.compiler() in _rustc() else 0.25
    bounds.hold("instructions", instructions, room=share, above=share)


def _recorded(folder: Path) -> dict[str, object]:
    """A config of podman's, with the common default seccomp profile."""
    return recorded.load(PROFILE, work=folder, bundle=Path("/srv/web"), ident="web", cgroup="/web")


def _count(program: Path, work: str, times: int, text: str, out: Path) -> tuple[int, int]:
    """Count instructions, and calls of the C library's allocating functions."""
    valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
    argv = [*valgrind, str(program), work, str(times)]
    done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    profile = out.read_text()
    found = re.search(r"^(?:summary|totals): (\d+)", profile, re.MULTILINE)
    assert found, profile[:400]
    return int(found[1]), _allocations(profile)


def _allocations(profile: str) -> int:
    """Add the calls of malloc and its kind: a function's name stands at its first mention, its number at all."""
    names: dict[str, str] = {}
    called, total = "", 0
    for line in profile.splitlines():
        if found := re.match(r"c?fn=(\(\d+\))(?: (.*))?$", line):
            names[found[1]] = found[2] or names[found[1]]
            called = names[found[1]] if line.startswith("cfn=") else called
        elif found := re.match(r"calls=(\d+) ", line):
            total += int(found[1]) if called in ("malloc", "calloc", "realloc", "posix_memalign") else 0
    return total


def _rustc() -> str:
    return subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=True).stdout
