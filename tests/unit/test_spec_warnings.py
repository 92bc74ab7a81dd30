# SPDX-License-Identifier: Apache-2.0
"""What is allowed and still worth a word."""

from __future__ import annotations

from typing import Any

import pytest

from estiba import spec
from estiba.problems import Problem


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        (
            "ociVersion",
            "1.4.0",
            ("/ociVersion", 'version "1.4.0" is newer than 1.3: what is new in it is ignored', None),
        ),
        (
            "process/user",
            {"uid": 0, "gid": 0, "username": "web"},
            (
                "/process/user/username",
                "a user name is for Windows, and ignored here",
                'set "uid" and "gid" to the numbers',
            ),
        ),
        (
            "process/capabilities",
            {"bounding": ["SYS_ADMIN"]},
            (
                "/process/capabilities/bounding/0",
                '"SYS_ADMIN" is not a known capability, and ignored',
                'did you mean "CAP_SYS_ADMIN"?',
            ),
        ),
        (
            "process/capabilities",
            {"permitted": ["CAP_KILL"], "ambient": ["CAP_KILL"]},
            (
                "/process/capabilities/ambient/0",
                '"CAP_KILL" is not granted: it is not inheritable',
                None,
            ),
        ),
        (
            "mounts",
            [{"destination": "/x", "source": "/x", "options": ["bind", "mode=755"]}],
            (
                "/mounts/0/options/1",
                '"mode=755" is ignored: a bind mount shows what is mounted already',
                None,
            ),
        ),
        (
            "process/noNewPriviledges",
            True,
            (
                "/process/noNewPriviledges",
                'unknown property "noNewPriviledges" is ignored',
                'did you mean "noNewPrivileges"?',
            ),
        ),
        (
            "linux/maskedPath",
            ["/proc/kcore"],
            (
                "/linux/maskedPath",
                'unknown property "maskedPath" is ignored',
                'did you mean "maskedPaths"?',
            ),
        ),
        (
            "hooks",
            {"poststopp": []},
            (
                "/hooks/poststopp",
                'unknown property "poststopp" is ignored',
                'did you mean "poststop"?',
            ),
        ),
        (
            "mounts",
            [{"destination": "tmp", "type": "tmpfs"}],
            ("/mounts/0/destination", '"tmp" is taken relative to "/"', "relative paths are deprecated"),
        ),
        (
            "mounts",
            [{"destination": "/tmp", "type": "tmpfs", "options": ["nosiud", "size=1m"]}],
            (
                "/mounts/0/options/0",
                '"nosiud" goes to the file system as it is',
                'did you mean "nosuid"?',
            ),
        ),
        (
            "mounts",
            [{"destination": "/proc", "type": "proc", "options": ["tmpcopyup"]}],
            ("/mounts/0/options", '"tmpcopyup" is ignored: only a tmpfs can take a copy', None),
        ),
        ("com.example.extension", {"a": 1}, None),
    ],
)
def test_doubtful_value_is_valid_and_warned_of(
    pointer: str, value: object, expected: tuple[str, str, str | None] | None
) -> None:
    """A warning never stops a container; a property unlike all known ones is nobody's business."""
    config: Any = spec.default_config()
    *keys, last = pointer.split("/")
    place = config
    for key in keys:
        place = place[key]
    place[last] = value
    assert spec.validate(config) == []
    assert spec.warnings(config) == ([] if expected is None else [Problem(*expected)])


@pytest.mark.parametrize("document", [None, [], "x", {"process": 5, "mounts": [5], "linux": []}])
def test_document_of_the_wrong_shape_has_no_warnings(document: object) -> None:
    """Its problems come from validate."""
    assert spec.warnings(document) == []
