# SPDX-License-Identifier: Apache-2.0
"""What the prover takes, Python accepts: the prover may ask too often, never too seldom."""

from __future__ import annotations

import copy
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from configs import EDGES, RECORDED, any_configs
from hypothesis import HealthCheck, given, settings

from estiba import _core, spec
from estiba.spec.schema import CONFIG

WORDS = ("", "x", "/", "/x", "..", "a b", "=", "0-3", "3-1", "\0", "1.0.", "SCMP_ACT_NOTIFY", "CAP_SYS_ADMIN")


counted: Counter[str] = Counter()


@pytest.fixture(scope="module", autouse=True)
def counts(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tell at the end how many configs both have judged."""
    yield
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\n{counted['judged']} configs judged, {counted['proved']} proved and accepted")


def check(config: Any) -> None:
    """The prover asks, or Python has nothing to say against it."""
    counted["judged"] += 1
    if _core.prove(config=json.dumps(config).encode()) is None:
        assert spec.validate(config) == []
        counted["proved"] += 1


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(any_configs())
def test_a_proved_config_is_valid(config: Any) -> None:
    """Generated configs, good and broken."""
    check(config)


@pytest.mark.parametrize("name", ["docker-memory", "podman-run", "containerd-seccomp", "podman-uidmap"])
def test_a_recorded_config_with_one_odd_value_is_asked_about_or_valid(name: str) -> None:
    """Each value of what a client wrote, replaced by each that lies on some border."""
    text = Path(RECORDED / f"{name}.json").read_text().replace("@ROOTFS@", "/root")
    config = json.loads(text)
    for path in _places(config):
        for odd in (None, True, [], {}, ["x"], [["x"]], *EDGES, *WORDS):
            changed = copy.deepcopy(config)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = odd
            check(changed)


def test_each_property_with_an_odd_value_is_asked_about_or_valid() -> None:
    """All that the schema knows, also what no client writes."""
    for way in _properties(CONFIG):
        for odd in (None, True, [], {}, ["x"], "x\0", *EDGES, *WORDS):
            config = spec.default_config()
            _put(config, way, odd)
            check(config)


def _properties(schema: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each property of a schema; of a list to its first entry, of free names to one."""
    if way:
        yield way
    for name, inner in schema.get("properties", {}).items():
        yield from _properties(inner, (*way, name))
    if "additionalProperties" in schema:
        yield from _properties(schema["additionalProperties"], (*way, "name"))
    if "items" in schema:
        yield from _properties(schema["items"], (*way, 0))


def _put(node: Any, way: tuple[Any, ...], value: Any) -> None:
    """Set a value, making the objects and lists on the way to it."""
    for key, after in itertools.pairwise(way):
        if isinstance(node, list) and not node:
            node.append(None)
        if (node[key] if isinstance(node, list) else node.get(key)) is None:
            node[key] = [] if after == 0 else {}
        node = node[key]
    if isinstance(node, list):
        node[:1] = [value]
    else:
        node[way[-1]] = value


def test_what_is_empty_is_asked_about_or_valid() -> None:
    """Where a client's config has it unset: in each object an empty name, in each namespace an empty path."""
    config = json.loads((RECORDED / "podman-run.json").read_text().replace("@ROOTFS@", "/root"))
    for path in _places(config):
        changed = copy.deepcopy(config)
        node = changed
        for key in path:
            node = node[key]
        if isinstance(node, dict):
            node |= {"": "x"}
            check(changed)
    for index in range(len(config["linux"]["namespaces"])):
        changed = copy.deepcopy(config)
        changed["linux"]["namespaces"][index]["path"] = ""
        check(changed)


def _places(node: Any) -> list[tuple[Any, ...]]:
    """The way to each value; of a list the first three are enough."""
    keys = (
        list(node) if isinstance(node, dict) else range(min(len(node), 3)) if isinstance(node, list) else ()
    )
    return [way for key in keys for way in ((key,), *((key, *more) for more in _places(node[key])))]
