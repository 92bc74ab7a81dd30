# SPDX-License-Identifier: Apache-2.0
"""What is allowed but likely not meant: ignored properties that look misspelt, names that this kernel lacks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from estiba.problems import Problem
from estiba.spec import document
from estiba.spec.mounts import BIND
from estiba.spec.node import Node
from estiba.spec.order import in_document_order
from estiba.spec.words import nearest, quote
from estiba.tables.capabilities import CAPABILITIES
from estiba.tables.mount_options import MOUNT_OPTIONS


def warnings(config: object) -> list[Problem]:
    """List what a user should know about a config that may well be valid, in document order."""
    from estiba.spec.schema import CONFIG

    root = Node(config)
    found = [
        *_version(root.at("ociVersion")),
        *_process(root.at("process")),
        *_mounts(root.at("mounts")),
        *_misspelt(root, CONFIG),
    ]
    return in_document_order(found, config)


def _version(node: Node) -> Iterator[Problem]:
    if document.is_newer(node.text()):
        known = ".".join(str(part) for part in document.NEWEST)
        yield node.problem(f"version {quote(node.value)} is newer than {known}: what is new in it is ignored")


def _process(process: Node) -> Iterator[Problem]:
    username = process.at("user", "username")
    if username.text():
        yield username.problem(
            "a user name is for Windows, and ignored here", 'set "uid" and "gid" to the numbers'
        )
    capabilities = process.at("capabilities")
    for _, names in capabilities.entries():
        for node in names.items():
            if node.text() and node.text() not in CAPABILITIES:
                near = nearest(node.text(), CAPABILITIES)
                yield node.problem(
                    f"{quote(node.value)} is not a known capability, and ignored",
                    f"did you mean {quote(near)}?" if near else None,
                )
    yield from _not_granted(capabilities)


def _not_granted(capabilities: Node) -> Iterator[Problem]:
    # capset(2) and PR_CAP_AMBIENT_RAISE refuse them; the specification wants a warning, not a failure.
    for key, bounds in (("effective", ("permitted",)), ("ambient", ("permitted", "inheritable"))):
        for node in capabilities.at(key).items():
            lacking = next((b for b in bounds if node.text() not in capabilities.at(b).texts()), None)
            if node.text() in CAPABILITIES and lacking:
                yield node.problem(f"{quote(node.value)} is not granted: it is not {lacking}")


def _mounts(mounts: Node) -> Iterator[Problem]:
    for mount in mounts.items():
        destination = mount.at("destination")
        if destination.text() and not destination.text().startswith("/"):
            yield destination.problem(
                f'{quote(destination.value)} is taken relative to "/"', "relative paths are deprecated"
            )
        options = mount.at("options")
        if any(option in BIND for option in options.texts()):
            yield from _ignored_by_bind(options)
            continue
        if "tmpcopyup" in options.texts() and mount.at("type").text() != "tmpfs":
            yield options.problem('"tmpcopyup" is ignored: only a tmpfs can take a copy')
        for option in options.items():
            near = None if option.text() in MOUNT_OPTIONS else nearest(option.text(), MOUNT_OPTIONS)
            if near and "=" not in option.text():
                yield option.problem(
                    f"{quote(option.value)} goes to the file system as it is", f"did you mean {quote(near)}?"
                )


def _ignored_by_bind(options: Node) -> Iterator[Problem]:
    for option in options.items():
        if "=" in option.text():
            yield option.problem(
                f"{quote(option.value)} is ignored: a bind mount shows what is mounted already"
            )


def _misspelt(node: Node, schema: Mapping[str, Any]) -> Iterator[Problem]:
    known: Mapping[str, Any] = schema.get("properties", {})
    for key, value in node.entries():
        if key in known:
            yield from _misspelt(value, known[key])
        elif "additionalProperties" in schema:
            yield from _misspelt(value, schema["additionalProperties"])
        else:
            near = nearest(key, known, likeness=0.8)
            if near:
                yield value.problem(
                    f"unknown property {quote(key)} is ignored", f"did you mean {quote(near)}?"
                )
    if "items" in schema:
        for item in node.items():
            yield from _misspelt(item, schema["items"])
