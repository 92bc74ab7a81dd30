# SPDX-License-Identifier: Apache-2.0
"""What else is mounted: -v, --mount and --tmpfs as people write them, to one shape. Pure."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ArgumentInvalid
from estiba.spec.words import nearest, quote

if TYPE_CHECKING:
    from estiba.muelle.parse import Options

PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
FLAGS = ("ro", "rw", "z", "Z", "nocopy", "readonly")
TMPFS = ("nosuid", "nodev", "noexec")
KEYS = (
    "type",
    "source",
    "src",
    "destination",
    "dst",
    "target",
    "readonly",
    "ro",
    "volume-nocopy",
    "bind-propagation",
)
TMPFS_KEYS = ("tmpfs-size", "tmpfs-mode")
NAME_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Mount(NamedTuple):
    """One further mount."""

    kind: str
    """bind, volume or tmpfs."""
    source: str
    """bind: a path of the host, absolute; volume: its name, "" for one that nobody has named."""
    target: str
    """Absolute, without dots."""
    is_read_only: bool = False
    propagation: str = "rprivate"
    is_copied_up: bool = True
    """volume: whether an empty one is given what the image has there."""
    options: tuple[str, ...] = ()
    """tmpfs: mount options."""


def mounts(options: Options, image_volumes: list[str]) -> list[Mount]:
    """Return the mounts that options ask for, and the image's volumes that they leave.

    Raises ArgumentInvalid.
    """
    asked = [
        *(volume(text) for text in options.list("volume")),
        *(long_form(text) for text in options.list("mount")),
        *(tmpfs(text) for text in options.list("tmpfs")),
    ]
    taken: set[str] = set()
    for each in asked:
        if each.target in taken:
            raise ArgumentInvalid(f"{quote(each.target)} is mounted twice", hint="leave out one of the two")
        taken.add(each.target)
    for path in image_volumes:
        target = clean(path)
        if target not in taken and target != "/":
            asked.append(Mount("volume", "", target))
    return asked


def volume(text: str) -> Mount:
    """Read -v [SOURCE:]TARGET[:OPTIONS]; a source with a slash is a path of the host."""
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise ArgumentInvalid(f"-v: {quote(text)} is not SOURCE:TARGET or SOURCE:TARGET:OPTIONS")
    if len(parts) == 1:
        return Mount("volume", "", _target("-v", parts[0]))
    flags = parts[2].split(",") if len(parts) == 3 else []
    for flag in flags:
        if flag not in (*FLAGS, *PROPAGATION):
            near = nearest(flag, (*FLAGS, *PROPAGATION))
            raise ArgumentInvalid(
                f"-v: {quote(flag)} is not an option of a mount",
                hint=f"did you mean {quote(near)}?" if near else None,
            )
    return _mount(
        "-v",
        parts[0],
        _target("-v", parts[1]),
        is_read_only="ro" in flags or "readonly" in flags,
        propagation=next((flag for flag in flags if flag in PROPAGATION), "rprivate"),
        is_copied_up="nocopy" not in flags,
    )


def long_form(text: str) -> Mount:
    """Read --mount type=bind|volume|tmpfs,source=...,target=...[,readonly]."""
    said: dict[str, str] = {}
    for part in text.split(","):
        key, _equals, value = part.partition("=")
        if key not in (*KEYS, *TMPFS_KEYS):
            near = nearest(key, (*KEYS, *TMPFS_KEYS))
            hint = f"did you mean {quote(near)}?" if near else f"it may be {', '.join(KEYS[:6])}, readonly"
            raise ArgumentInvalid(f"--mount: {quote(key)} is not known", hint=hint)
        said[{"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}.get(key, key)] = (
            value
        )
    kind = said.get("type", "volume")
    target = _target("--mount", said.get("target", ""))
    if kind == "tmpfs":
        extra = [f"{key[6:]}={said[key]}" for key in TMPFS_KEYS if key in said]
        return Mount("tmpfs", "", target, options=(*TMPFS, *extra))
    if kind not in ("bind", "volume"):
        raise ArgumentInvalid(f"--mount: type {quote(kind)} is not bind, volume or tmpfs")
    source = said.get("source", "")
    if kind == "bind" and not source.startswith("/"):
        raise ArgumentInvalid(f"--mount: the source of a bind mount is an absolute path, not {quote(source)}")
    if kind == "volume" and "/" in source:
        raise ArgumentInvalid(
            f"--mount: {quote(source)} is a path, not a volume's name", hint="write type=bind"
        )
    return _mount(
        "--mount",
        source,
        target,
        is_read_only=said.get("readonly", "false") in ("", "1", "true"),
        propagation=said.get("bind-propagation", "rprivate"),
        is_copied_up=said.get("volume-nocopy", "false") not in ("", "1", "true"),
    )


def tmpfs(text: str) -> Mount:
    """Read --tmpfs TARGET[:OPTIONS]; it holds no programs and no devices unless the options say so."""
    target, _colon, given = text.partition(":")
    options = [option for option in given.split(",") if option]
    hardened = [name for name in TMPFS if name.removeprefix("no") not in options and name not in options]
    return Mount("tmpfs", "", _target("--tmpfs", target), options=(*hardened, *options))


def _mount(
    option: str, source: str, target: str, *, is_read_only: bool, propagation: str, is_copied_up: bool
) -> Mount:
    if "/" in source or source in (".", ".."):
        return Mount("bind", os.path.abspath(source), target, is_read_only, propagation)
    if source and not is_name(source):
        hint = "a volume's name is letters, digits and _ . -; a path begins with / or ./"
        raise ArgumentInvalid(f"{option}: {quote(source)} is no volume's name", hint=hint)
    return Mount("volume", source, target, is_read_only, is_copied_up=is_copied_up)


def is_name(text: str) -> bool:
    """Return whether it may name a volume or a container, as with Docker."""
    return (
        0 < len(text) <= 128
        and text[0] in NAME_LETTERS
        and all(letter in NAME_LETTERS + "_.-" for letter in text)
    )


def clean(path: str) -> str:
    """Return an absolute path without dots and doubled slashes."""
    return posixpath.normpath("/" + path.lstrip("/"))


def _target(option: str, path: str) -> str:
    if not path.startswith("/") or clean(path) == "/":
        hint = "it is an absolute path inside, and not /"
        raise ArgumentInvalid(f"{option}: {quote(path)} is no place to mount at", hint=hint)
    return clean(path)


def entry(mount: Mount, source: str) -> dict[str, Any]:
    """Return the mount as config.json has it; `source` is where the volume or path is on the host."""
    if mount.kind == "tmpfs":
        return {
            "destination": mount.target,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": list(mount.options),
        }
    options = ["rbind", mount.propagation, *(["ro"] if mount.is_read_only else [])]
    return {"destination": mount.target, "type": "bind", "source": source, "options": options}
