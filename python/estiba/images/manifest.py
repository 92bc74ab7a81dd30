# SPDX-License-Identifier: Apache-2.0
"""Descriptors, manifests and indexes (image-spec descriptor.md, manifest.md, image-index.md), strictly read.

A document that could be taken for two kinds is refused (CVE-2021-41190). What was read is never written again:
the bytes are kept, so that digests stay.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ManifestInvalid
from estiba.images import media
from estiba.images.fields import Fields, not_unicode, parse_object
from estiba.images.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

REFERENCE_NAME = "org.opencontainers.image.ref.name"
"""The annotation that names an image in a layout's index (image-spec annotations.md)."""

_MANIFEST_FIELDS = ("config", "layers", "fsLayers", "history", "signatures")


class Descriptor(NamedTuple):
    """What a blob is, without its bytes."""

    media_type: str
    digest: str
    size: int
    """In bytes."""
    annotations: Mapping[str, str] = {}
    platform: Platform | None = None
    """Which machine it is for, where an index says so."""
    artifact_type: str | None = None

    @property
    def is_index(self) -> bool:
        """Whether this names an index of images rather than one."""
        return self.media_type in media.INDEXES

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor as the specification writes it."""
        platform = None
        if self.platform:
            platform = {"architecture": self.platform.architecture, "os": self.platform.os}
            if self.platform.variant:
                platform["variant"] = self.platform.variant
        optional = {
            "artifactType": self.artifact_type,
            "annotations": dict(self.annotations) or None,
            "platform": platform,
        }
        return {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
            **{name: value for name, value in optional.items() if value is not None},
        }


class Manifest(NamedTuple):
    """One image: its config and its layers, bottom to top."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = media.OCI_MANIFEST
    annotations: Mapping[str, str] = {}
    artifact_type: str | None = None

    @property
    def is_image(self) -> bool:
        """Whether the config is an image's; else this is an artifact: a signature, a chart, a file."""
        return self.config.media_type in media.CONFIGS

    def to_bytes(self) -> bytes:
        """Return the manifest as we write it: the same bytes for the same image."""
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "config": self.config.to_json(),
            "layers": [layer.to_json() for layer in self.layers],
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return to_bytes(document)


class Index(NamedTuple):
    """Several manifests behind one name, most often one a platform."""

    manifests: tuple[Descriptor, ...]
    media_type: str = media.OCI_INDEX
    annotations: Mapping[str, str] = {}

    def pick(self, platform: Platform) -> Descriptor | None:
        """Return the manifest that runs best on `platform`, the first of equals, or None."""
        ranked = [
            (rank, position)
            for position, one in enumerate(self.manifests)
            if one.platform and (rank := platform.rank(one.platform)) is not None
        ]
        return self.manifests[min(ranked)[1]] if ranked else None

    def to_bytes(self) -> bytes:
        """Return the index as we write it."""
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": self.media_type,
            "manifests": [one.to_json() for one in self.manifests],
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return to_bytes(document)


def parse(data: bytes, *, media_type: str | None = None, where: str = "manifest") -> Manifest | Index:
    """Return the manifest or index in `data`.

    `media_type` is what a descriptor or a registry said it is; `where` names the document in errors. Raises
    ManifestInvalid.
    """
    fields = parse_object(data, where)
    if fields.values.get("schemaVersion") == 1:
        fields.fail("schemaVersion", "Docker's schema 1, which no tool should still write, is not read")
    if fields.number("schemaVersion") != 2:
        fields.fail("schemaVersion", "is not 2")
    is_index = "manifests" in fields.values
    if is_index and (both := [name for name in _MANIFEST_FIELDS if name in fields.values]):
        fields.fail(
            "manifests", f"stands beside {both[0]}: this could be an index or a manifest (CVE-2021-41190)"
        )
    own = fields.optional_text("mediaType")
    if own is not None and media_type is not None and own != media_type:
        fields.fail("mediaType", f'"{own}", where "{media_type}" was promised')
    kind = own or media_type or (media.OCI_INDEX if is_index else media.OCI_MANIFEST)
    if kind not in (media.INDEXES if is_index else media.MANIFESTS):
        fields.fail(
            "mediaType", f'"{kind[:100]}" is not the type of {"an index" if is_index else "a manifest"}'
        )
    return _index(fields, kind) if is_index else _manifest(fields, kind)


def parse_manifest(data: bytes, *, media_type: str | None = None, where: str = "manifest") -> Manifest:
    """Return the manifest in `data`. Raises ManifestInvalid, also for an index."""
    document = parse(data, media_type=media_type, where=where)
    if isinstance(document, Index):
        raise ManifestInvalid(f"{where}: an index, where the manifest of one image belongs")
    return document


def parse_descriptor(fields: Fields) -> Descriptor:
    """Return the descriptor in an object of a document. Raises ManifestInvalid."""
    return Descriptor(
        fields.text("mediaType"),
        fields.digest("digest"),
        fields.number("size"),
        fields.text_by_name("annotations"),
        _platform(fields),
        fields.optional_text("artifactType"),
    )


def to_bytes(document: dict[str, Any]) -> bytes:
    """Return a document as we write all of them: compact, in the order that it was made in.

    Raises ManifestInvalid for text that cannot be written: what was not UTF-8 where it came from.
    """
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        place = "/".join(not_unicode(document) or ())
        raise ManifestInvalid(f"{place}: a text that is not UTF-8", hint="write it in UTF-8") from None


def _manifest(fields: Fields, media_type: str) -> Manifest:
    return Manifest(
        parse_descriptor(fields.nested("config")),
        _descriptors(fields, "layers"),
        media_type,
        fields.text_by_name("annotations"),
        fields.optional_text("artifactType"),
    )


def _index(fields: Fields, media_type: str) -> Index:
    return Index(_descriptors(fields, "manifests"), media_type, fields.text_by_name("annotations"))


def _descriptors(fields: Fields, field: str) -> tuple[Descriptor, ...]:
    return tuple(parse_descriptor(one) for one in fields.objects(field))


def _platform(fields: Fields) -> Platform | None:
    if fields.values.get("platform") is None:
        return None
    platform = fields.nested("platform")
    return Platform(
        platform.text("os"), platform.text("architecture"), platform.optional_text("variant") or None
    )
