# SPDX-License-Identifier: Apache-2.0
"""Rules for the top of config.json: version, names of the host, annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.spec.words import quote

NEWEST = (1, 3)
"""The runtime-spec that estiba follows; newer minor versions only add to it."""

VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", re.ASCII)

UTS_NAME_BYTES = 64
"""The kernel's __NEW_UTS_LEN: the same for host and domain name."""


def check(config: Node) -> Iterator[Problem]:
    """Judge what stands at the top."""
    yield from _version(config.at("ociVersion"))
    for key in ("hostname", "domainname"):
        node = config.at(key)
        size = len(node.text().encode(errors="replace"))
        if size > UTS_NAME_BYTES:
            yield node.problem(f"{quote(node.value)} has {size} bytes, the kernel takes {UTS_NAME_BYTES}")
    for key, node in config.at("annotations").entries():
        if not key:
            yield node.problem("an annotation needs a name, found an empty one")


def _version(node: Node) -> Iterator[Problem]:
    if not isinstance(node.value, str):
        return
    match = VERSION.fullmatch(node.value)
    if match is None:
        yield node.problem(f'{quote(node.value)} is not a version, expected one like "1.2.0"')
    elif int(match[1]) != 1:
        yield node.problem(
            f"version {quote(node.value)} is not supported, expected 1.x",
            "a runtime reads the versions of one major number",
        )


def is_newer(version: str) -> bool:
    """Tell whether a config may say things that this version of estiba does not know."""
    match = VERSION.fullmatch(version)
    return match is not None and (int(match[1]), int(match[2])) > NEWEST
