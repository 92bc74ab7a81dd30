# SPDX-License-Identifier: Apache-2.0
"""The config of an image (image-spec config.md): what it runs, the diff ids of its layers, what made each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.images import digest
from estiba.images.fields import Fields, parse_object
from estiba.images.manifest import to_bytes
from estiba.images.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = ("User", "WorkingDir", "StopSignal")
_LISTS = ("Env", "Entrypoint", "Cmd", "Shell", "OnBuild")
_OBJECTS = ("ExposedPorts", "Volumes", "Healthcheck")
_OWN = frozenset(
    {"created", "author", "architecture", "os", "variant", "os.version", "config", "rootfs", "history"}
)


class History(NamedTuple):
    """What made one layer, or changed the config only."""

    created: str | None = None
    """RFC 3339."""
    created_by: str | None = None
    comment: str | None = None
    author: str | None = None
    empty_layer: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the entry as the specification writes it."""
        fields = {
            "created": self.created,
            "created_by": self.created_by,
            "author": self.author,
            "comment": self.comment,
            "empty_layer": self.empty_layer or None,
        }
        return {name: value for name, value in fields.items() if value is not None}


class ImageConfig(NamedTuple):
    """An image's config. `_replace` makes another; `to_bytes` writes it, the same bytes for the same values."""

    architecture: str
    os: str
    config: Mapping[str, Any] = {}
    """What a container gets: Env, Cmd, Entrypoint, User, WorkingDir, Labels, ExposedPorts, Volumes, StopSignal, and
    Docker's Healthcheck, Shell, OnBuild; names and values as config.md has them, without nulls."""
    diff_ids: tuple[str, ...] = ()
    """The digest of each layer's tar, bottom to top."""
    history: tuple[History, ...] = ()
    created: str | None = None
    """RFC 3339."""
    author: str | None = None
    variant: str | None = None
    os_version: str | None = None
    other: Mapping[str, Any] = {}
    """Fields that this version does not know, as they were read."""

    @property
    def platform(self) -> Platform:
        """What the image runs on."""
        return Platform(self.os, self.architecture, self.variant)

    @property
    def chain_ids(self) -> tuple[str, ...]:
        """The chain id of each layer, bottom to top."""
        return digest.chain_ids(self.diff_ids)

    def to_bytes(self) -> bytes:
        """Return the config as we write it."""
        optional = {
            "created": self.created,
            "author": self.author,
            "architecture": self.architecture,
            "variant": self.variant,
            "os": self.os,
            "os.version": self.os_version,
        }
        document: dict[str, Any] = {name: value for name, value in optional.items() if value is not None}
        document["config"] = dict(self.config)
        document["rootfs"] = {"type": "layers", "diff_ids": list(self.diff_ids)}
        if self.history:
            document["history"] = [one.to_json() for one in self.history]
        return to_bytes(document | dict(self.other))


def parse(data: bytes, *, where: str = "config") -> ImageConfig:
    """Return the config in `data`; `where` names it in errors. Raises ManifestInvalid."""
    fields = parse_object(data, where)
    rootfs = fields.nested("rootfs")
    if rootfs.optional_text("type") not in (None, "layers"):
        rootfs.fail("type", 'is not "layers"')
    return ImageConfig(
        fields.text("architecture"),
        fields.text("os"),
        _run_config(fields),
        _diff_ids(rootfs),
        tuple(_history(one) for one in fields.objects("history")),
        fields.optional_text("created"),
        fields.optional_text("author"),
        fields.optional_text("variant") or None,
        fields.optional_text("os.version") or None,
        {name: value for name, value in fields.values.items() if name not in _OWN},
    )


def _run_config(fields: Fields) -> dict[str, Any]:
    if fields.values.get("config") is None:
        return {}
    config = fields.nested("config")
    for name in _TEXTS:
        config.optional_text(name)
    for name in _LISTS:
        config.texts(name)
    config.text_by_name("Labels")
    for name in _OBJECTS:
        if config.values.get(name) is not None:
            config.nested(name)
    return {name: value for name, value in config.values.items() if value is not None}


def _diff_ids(rootfs: Fields) -> tuple[str, ...]:
    values = rootfs.texts("diff_ids")
    for position, value in enumerate(values):
        if not digest.is_digest(value):
            rootfs.fail(f"diff_ids/{position}", f'"{value[:100]}" is not a sha256 digest')
    return tuple(values)


def _history(fields: Fields) -> History:
    return History(
        fields.optional_text("created"),
        fields.optional_text("created_by"),
        fields.optional_text("comment"),
        fields.optional_text("author"),
        fields.flag("empty_layer"),
    )
