# SPDX-License-Identifier: Apache-2.0
"""Rules for `mounts`: a bind mount has a source, any other a file system, an id-mapped one its mappings."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec import id_mappings, namespaces
from estiba.spec.node import Node
from estiba.spec.words import advice, nearest, quote
from estiba.tables.mount_options import MOUNT_OPTIONS

BIND = ("bind", "rbind")
IDMAP = ("idmap", "ridmap")
NO_FILESYSTEM = ("", "none", "bind")
"""What stands for `type` where the mount is a bind mount."""


def check(config: Node) -> Iterator[Problem]:
    """Judge each mount."""
    found = namespaces.read(config)
    for mount in config.at("mounts").items():
        options = mount.at("options").texts()
        yield from _over_the_root(mount.at("destination"), options)
        if any(option in BIND for option in options):
            yield from _bind(mount)
        elif "remount" not in options:
            yield from _filesystem(mount)
        yield from _id_mapped(mount, options, found)


def _over_the_root(destination: Node, options: list[str]) -> Iterator[Problem]:
    # pivot_root(2) takes the root that lies below, so nobody would see what is mounted over it.
    if destination.text() and not _parts(destination.text()) and "remount" not in options:
        yield destination.problem(
            f"{quote(destination.value)} is the container's root, over which nothing can be mounted",
            "name a folder inside of it, or set root.path to what shall be the root",
        )


def _parts(path: str) -> list[str]:
    """Split a path as it is written; what links of the image make of it nobody knows before the start."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _bind(mount: Node) -> Iterator[Problem]:
    if mount.at("source").value in (None, ""):
        yield mount.problem('a bind mount needs a "source"', "name the path on the host that is to be shown")
    for option in _unknown(mount):
        if "=" in option.text():
            continue  # a file system's own: mount(2) ignores them for a bind, and callers leave them in
        near = nearest(option.text(), MOUNT_OPTIONS)
        hint = f"did you mean {quote(near)}?" if near else "a bind mount takes no options of a file system"
        yield option.problem(f"{quote(option.value)} is not an option of a bind mount", hint)


def _filesystem(mount: Node) -> Iterator[Problem]:
    kind = mount.at("type")
    if not isinstance(kind.value, str | None) or kind.text() not in NO_FILESYSTEM:
        return
    misspelt = [option for option in _unknown(mount) if nearest(option.text(), BIND)]
    for option in misspelt:
        hint = advice(option.text(), BIND)
        yield option.problem(f"{quote(option.value)} is not a mount option", hint)
    if misspelt:
        return
    hint = 'add "rbind" to the options for a bind mount, or name a file system as "type"'
    if kind.value is None:
        yield mount.problem("neither a bind mount nor one of a file system", hint)
    else:
        yield kind.problem(f"{quote(kind.value)} is not a file system, and no option says bind", hint)


def _unknown(mount: Node) -> list[Node]:
    return [
        option
        for option in mount.at("options").items()
        if isinstance(option.value, str) and option.value not in MOUNT_OPTIONS
    ]


def _id_mapped(mount: Node, options: list[str], found: namespaces.Namespaces) -> Iterator[Problem]:
    given = [key for key in id_mappings.KEYS if mount.at(key).value]
    for key in given:
        yield from id_mappings.ranges(mount.at(key))
    if len(given) == 1:
        other = next(key for key in id_mappings.KEYS if key not in given)
        yield mount.problem(f'"{given[0]}" without "{other}"', "an id-mapped mount needs both")
    asked = next((option for option in options if option in IDMAP), None)
    if asked and not given and found.lacks("user"):
        yield mount.problem(
            f"{quote(asked)} has no ids to map: neither the mount nor the container has mappings",
            'add "uidMappings" and "gidMappings" to the mount',
        )
