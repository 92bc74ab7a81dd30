# SPDX-License-Identifier: Apache-2.0
"""Our schema beside the official one (runtime-spec v1.3.0): its fixtures, its properties, its names.

The official files come from the Go module proxy into .cache and are not committed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from estiba import spec
from estiba.errors import ConfigInvalid
from estiba.spec import schema

MODULE = "github.com/opencontainers/runtime-spec"
VERSION = "v1.3.0"
SUM = "h1:YZupQUdctfhpZy3TM39nN9Ika5CBWT5diQ8ibYCRkxg="
CACHE = Path(__file__).parent.parent.parent / ".cache" / "go"

REFUSED_GOOD = {
    "spec-example.json": ["/ociVersion"],
    "linux-netdevice.json": ["/linux/netDevices"],
    "zos-example.json": ["/ociVersion", "/hostname", "/mounts"],
    "freebsd-example.json": ["/hostname", "/mounts"],
}
"""Fixtures that are good in shape but not in meaning: a version before 1.0, no namespace to move
an interface to, another platform."""

ACCEPTED_BAD = {"freebsd-vnet-disable.json"}
"""Fixtures that are bad in the section of another platform, which we ignore."""


@pytest.fixture(scope="session")
def official() -> Path:
    """Fetch the official module once; Go checks the sum that its proxy tells, and we ours."""
    environment = {**os.environ, "GOMODCACHE": str(CACHE), "GOFLAGS": "-mod=mod -modcacherw", "GOWORK": "off"}
    done = subprocess.run(
        ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"],
        env=environment,
        capture_output=True,
        check=True,
    )
    module = json.loads(done.stdout)
    assert module["Sum"] == SUM
    return Path(module["Dir"]) / "schema"


def test_good_fixtures_are_accepted(official: Path) -> None:
    """But for those that lack what they ask for, or are for another platform."""
    files = sorted((official / "test" / "config" / "good").glob("*.json"))
    assert len(files) == 9
    for file in files:
        problems = spec.validate(spec.parse(file.read_bytes(), file.name))
        assert (file.name, [p.pointer for p in problems]) == (file.name, REFUSED_GOOD.get(file.name, []))


def test_bad_fixtures_are_refused(official: Path) -> None:
    """By the parser or by the rules."""
    files = sorted((official / "test" / "config" / "bad").glob("*.json"))
    assert len(files) == 5
    for file in files:
        try:
            is_good = spec.validate(spec.parse(file.read_bytes(), file.name)) == []
        except ConfigInvalid:
            is_good = False
        assert (file.name, is_good) == (file.name, file.name in ACCEPTED_BAD)


def test_every_official_property_is_in_our_schema(official: Path) -> None:
    """A property that is forgotten here would be ignored without a word."""
    theirs = {
        found.replace("timeOffsets/boottime", "timeOffsets/*")  # a map by name of the clock, says the text
        for found in _properties(_read(official), "")
        if "timeOffsets/monotonic" not in found
    } - {"/linux/timeOffsets/*"}
    ours = set(_properties(schema.CONFIG, ""))
    assert sorted(theirs - ours) == ["/process/commandLine"]  # Windows only
    assert sorted(ours - theirs) == []


def test_names_are_the_official_ones(official: Path) -> None:
    """Enums agree; ours has the recursive propagations besides, which callers send."""
    theirs = dict(_enums(_read(official), ""))
    ours = dict(_enums(schema.CONFIG, ""))
    more = {key: sorted(ours[key] - theirs[key]) for key in theirs if ours[key] != theirs[key]}
    assert all(theirs[key] <= ours[key] for key in theirs)
    assert more == {"/linux/rootfsPropagation": ["rprivate", "rshared", "rslave", "runbindable"]}


@pytest.mark.parametrize("document", [schema.CONFIG, schema.PROCESS, schema.RESOURCES])
def test_our_schema_is_a_schema(document: Any) -> None:
    """Any validator can use it: it is plain draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(document)
    json.dumps(document)


def test_every_property_has_a_description() -> None:
    """`explain` and the hints live on them."""
    assert [pointer for pointer, node in _nodes(schema.CONFIG, "") if not node.get("description")] == []


def _official(folder: Path) -> Any:
    """Read the official schema and put every reference in place."""

    def resolved(node: Any, file: str) -> Any:
        if isinstance(node, list):
            return [resolved(each, file) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            name, _, pointer = node["$ref"].partition("#")
            target = json.loads((folder / (name or file)).read_text())
            for key in pointer.strip("/").split("/"):
                target = target[key]
            return resolved(target, name or file)
        made = {key: resolved(value, file) for key, value in node.items()}
        for part in made.pop("allOf", []) + made.pop("anyOf", []):
            made["properties"] = {**part.get("properties", {}), **made.get("properties", {})}
            made["enum"] = part.get("enum", made.get("enum"))
        return made

    return resolved(json.loads((folder / "config-schema.json").read_text()), "config-schema.json")


def _read(folder: Path) -> Any:
    whole = _official(folder)
    for platform in ("solaris", "windows", "vm", "zos", "freebsd"):
        del whole["properties"][platform]
    return whole


def _nodes(node: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key, value in node.get("properties", {}).items():
        yield f"{pointer}/{key}", value
        yield from _nodes(value, f"{pointer}/{key}")
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield from _nodes(node[key], f"{pointer}/*")


def _properties(node: Mapping[str, Any], pointer: str) -> Iterator[str]:
    return (found for found, _ in _nodes(node, pointer))


def _enums(node: Mapping[str, Any], pointer: str) -> Iterator[tuple[str, set[str]]]:
    for found, inner in _nodes(node, pointer):
        for where, each in ((found, inner), (f"{found}/*", inner.get("items", {}))):
            if isinstance(each, dict) and each.get("enum") and len(each["enum"][0]) > 1:
                yield where, {value for value in each["enum"] if value is not None}
