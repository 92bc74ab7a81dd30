# SPDX-License-Identifier: Apache-2.0
"""Every way to write a config wrong, and the exact sentences that it earns.

tests/golden/config/problems/*.txt: a change to the default config as `POINTER = JSON` or `POINTER absent`,
then what validate says about it.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from estiba import spec
from estiba.problems import Problem
from estiba.spec import sysctl
from estiba.spec.node import keys_of
from estiba.spec.order import in_document_order
from estiba.tables.phrases import CALLERS

PACKAGE = Path(spec.__file__)
GOLDEN = Path(__file__).parent.parent / "golden" / "config" / "problems"


def cases() -> list[Any]:
    """Read all golden files."""
    found = []
    for file in sorted(GOLDEN.glob("*.txt")):
        for block in file.read_text().strip().split("\n\n"):
            change, _, said = block.partition("\n")
            found.append(pytest.param(change, said, id=f"{file.stem}: {change}"))
    return found


def changed(change: str) -> Any:
    """Apply one change to the default config."""
    config: Any = spec.default_config()
    pointer, _, value = change.partition(" = ")
    *keys, last = keys_of(pointer.removesuffix(" absent"))
    place = config
    for key in keys:
        place = place[int(key)] if isinstance(place, list) else place[key]
    if change.endswith(" absent"):
        del place[last]
    elif isinstance(place, list):
        place[int(last) :] = [json.loads(value)]
    else:
        place[last] = json.loads(value)
    return config


def told(problems: list[Problem]) -> str:
    """Show problems as the command prints them."""
    lines = []
    for problem in problems:
        lines.append(str(problem))
        if problem.hint is not None:
            lines.append(f"hint: {problem.hint}")
    return "\n".join(lines)


@pytest.mark.parametrize(("change", "said"), cases())
def test_wrong_value_gets_its_golden_sentences(change: str, said: str) -> None:
    """The text is what a user reads: it changes only where somebody wants it to."""
    assert told(spec.validate(changed(change))) == said


@pytest.mark.parametrize(
    "file",
    [
        *sorted(GOLDEN.glob("*.txt")),
        *sorted(PACKAGE.parent.rglob("*.py")),
        PACKAGE.parent.parent / "bundle.py",
    ],
    ids=lambda file: file.name,
)
def test_no_sentence_has_a_phrase_that_callers_act_on(file: Path) -> None:
    """podman would take a bad config for a missing program, containerd for a container that is gone."""
    text = file.read_text().lower()
    assert [phrase for phrase in CALLERS if phrase in text] == []


def test_problems_of_a_huge_object_are_put_in_order_at_once() -> None:
    """Each key is looked up, not searched for: a generated config may be wrong in twenty thousand places."""
    config = {"annotations": {f"name{n}": n for n in range(20_000)}}
    found = [Problem(f"/annotations/name{n}", "x") for n in reversed(range(20_000))]
    began = time.process_time()
    ordered = in_document_order(found, config)
    assert time.process_time() - began < 2
    assert ordered == found[::-1]


def test_problems_come_in_document_order() -> None:
    """Also where a later rule finds an earlier place."""
    config: Any = spec.default_config()
    config["process"]["args"] = []
    config["mounts"][0]["destination"] = ""
    config["linux"]["namespaces"] = [{"type": "pid"}, {"type": "pid"}]
    config["hostname"] = 5
    pointers = [problem.pointer for problem in spec.validate(config)]
    assert pointers == [
        "/process/args",
        "/root/readonly",
        "/hostname",
        "/mounts",
        "/mounts/0/destination",
        "/linux/namespaces/1",
        "/linux/maskedPaths",
        "/linux/readonlyPaths",
    ]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (None, "found null, expected an object"),
        ([], "found an empty array, expected an object"),
        ("x", 'found the string "x", expected an object'),
    ],
)
def test_document_that_is_no_object_is_one_problem(document: object, message: str) -> None:
    """Nothing else can be said about it."""
    assert spec.validate(document) == [Problem("", message)]


def test_problems_without_a_known_namespace_list_are_not_guessed() -> None:
    """A misspelt type is one problem, not one more for each property that needs the namespace."""
    config: Any = spec.default_config()
    config["linux"]["namespaces"][3]["type"] = "utss"
    assert [problem.pointer for problem in spec.validate(config)] == ["/linux/namespaces/3/type"]


def test_long_values_are_cut() -> None:
    """A message stays one line."""
    config: Any = spec.default_config()
    config["process"]["cwd"] = "x\n" * 1000
    (problem,) = spec.validate(config)
    assert len(problem.message) < 120
    assert "\n" not in problem.message


def test_invalid_makes_one_error_of_all_problems() -> None:
    """The line has the first one and how many follow; the error has all."""
    config: Any = spec.default_config()
    config["process"]["args"] = []
    config["process"]["cwd"] = "tmp"
    problems = spec.validate(config)
    error = spec.invalid(problems)
    assert str(error) == (
        "config.json /process/args: found an empty array, expected an array with at least one string"
        " (and 1 more problem)"
    )
    assert error.pointer == "/process/args"
    assert error.problems == tuple(problems)


def test_clocks_of_a_joined_time_namespace_cannot_be_set() -> None:
    """The kernel takes offsets only before the first process is in."""
    config: Any = spec.default_config()
    config["linux"]["namespaces"].append({"type": "time", "path": "/proc/42/ns/time"})
    config["linux"]["timeOffsets"] = {"boottime": {"secs": 1}}
    assert told(spec.validate(config)) == (
        "config.json /linux/timeOffsets: the clocks of a joined time namespace cannot be set\n"
        "hint: leave out the offsets, or the path"
    )


def test_more_mappings_than_the_kernel_takes_are_one_problem() -> None:
    """uid_map is written at once, so the kernel would refuse them all."""
    config: Any = spec.default_config(rootless=True)
    config["linux"]["uidMappings"] = [{"containerID": i, "hostID": i, "size": 1} for i in range(341)]
    assert told(spec.validate(config)) == "config.json /linux/uidMappings: 341 mappings, the kernel takes 340"


def test_a_map_of_a_page_and_more_is_refused() -> None:
    """The kernel counts bytes, too."""
    config = spec.default_config(rootless=True, uid=1000, gid=1000)
    far = 2_000_000_000
    config["linux"]["uidMappings"] = [
        {"containerID": far + 2 * n, "hostID": far + 2 * n, "size": 1} for n in range(171)
    ]
    assert told(spec.validate(config)) == (
        "config.json /linux/uidMappings: a map of 4104 bytes, the kernel takes 4095\n"
        "hint: join ranges that follow each other"
    )
    config["linux"]["uidMappings"].pop()
    assert spec.validate(config) == []


def test_names_of_kernel_parameters_read_with_either_separator() -> None:
    """sysctl(8): the first separator decides, the other one is a dot within a part."""
    assert sysctl.parts("net.ipv4.conf.eth0/1.mtu") == ["net", "ipv4", "conf", "eth0.1", "mtu"]
    assert sysctl.parts("net/ipv4/conf/eth0.1/mtu") == ["net", "ipv4", "conf", "eth0.1", "mtu"]
