# SPDX-License-Identifier: Apache-2.0
"""What an archive says is in it: the images of an index.json, or of Docker's manifest.json; both ways.

OCI       oci-layout, index.json, blobs/sha256/HEX         names are annotations of the index
Docker    manifest.json [{"Config", "RepoTags", "Layers"}]   paths of members; since Docker 25 beside an index.json
"""

from __future__ import annotations

import json
import os
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import ArchiveInvalid, BlobCorrupt, ReferenceInvalid
from estiba.images import config as configs
from estiba.images import manifest as manifests
from estiba.images import media
from estiba.images.fields import Fields
from estiba.images.manifest import REFERENCE_NAME, Descriptor, Index, Manifest
from estiba.images.reference import DEFAULT_TAG, Reference
from estiba.images.reference import parse as parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from estiba.images.blobs import Blobs

CONTAINERD_NAME = "io.containerd.image.name"
"""The annotation by which containerd and Docker 25 give an image's whole name; ref.name is then its tag."""

_LABEL = re.compile(r"[A-Za-z0-9]+([-._+]+[A-Za-z0-9]+)*")
"""What image-spec annotations.md ("Rules") takes for a ref.name, but for what parts a reference."""


class Named(NamedTuple):
    """An image of an archive, and what it is called there."""

    descriptor: Descriptor
    references: tuple[Reference, ...]
    label: str | None = None
    """A name in the index that is no whole reference, as umoci and skopeo write them: "latest"."""


def of_index(data: bytes, where: str) -> list[Named]:
    """Return the images of an index.json. Raises ManifestInvalid, ReferenceInvalid."""
    index = manifests.parse(data, where=where)
    if not isinstance(index, Index):
        raise ArchiveInvalid(f"{where}: a manifest, where an index belongs")
    found: dict[str, Named] = {}
    for one in index.manifests:
        reference, label = _name(one.annotations)
        key, before = one.digest, found.get(one.digest)
        if label and before and before.label not in (None, label):
            key = f"{one.digest} {label}"  # one image that is called two things
            before = found.get(key)
        references = (*(before.references if before else ()), *([reference] if reference else []))
        bare = one._replace(annotations={}, platform=None)
        found[key] = Named(bare, references, label or (before.label if before else None))
    return list(found.values())


def to_index(images: Iterable[Named], *, for_containerd: bool = False) -> list[Descriptor]:
    """Return the index of these images: an entry a name; with the name that containerd and Docker 25 look for, too."""
    entries: list[Descriptor] = []
    for image in images:
        for reference in image.references:
            names = {REFERENCE_NAME: str(reference)}
            names |= {CONTAINERD_NAME: str(reference)} if for_containerd else {}
            entries.append(image.descriptor._replace(annotations=names))
        if image.label:
            entries.append(image.descriptor._replace(annotations={REFERENCE_NAME: image.label}))
        elif not image.references:
            entries.append(image.descriptor)
    return entries


def labelled(images: Sequence[Named], name: str | None) -> list[Named]:
    """Return the images, or, with a name, the only one as an index is to call it: just so, as skopeo's users type it.

    Raises ArchiveInvalid for several images, ReferenceInvalid for what is no name.
    """
    if name is None:
        return list(images)
    check_alone(images, name)
    if any(mark in name for mark in ":/"):
        parse_reference(name)
    elif not _LABEL.fullmatch(name):
        hint = "letters and digits, and between them one of -._+"
        raise ReferenceInvalid(f'"{name}" is no name for an image of a layout', hint=hint)
    return [images[0]._replace(references=(), label=name)]


def check_alone(images: Sequence[Named], name: str) -> None:
    """Raise ArchiveInvalid unless there is one image, which can get `name`."""
    if (count := len({image.descriptor.digest for image in images})) != 1:
        raise ArchiveInvalid(f'{count} images: one name, "{name}", is not for all of them')


def of_docker(data: bytes, members: Mapping[str, tuple[str, int]], blobs: Blobs) -> list[Named]:
    """Return the images of a manifest.json; their manifests are made and put into `blobs`.

    `members`: the digest and size of each member that became a blob, by its name. Raises ArchiveInvalid,
    ManifestInvalid, BlobCorrupt, ReferenceInvalid.
    """
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ArchiveInvalid(f"archive: manifest.json: not JSON: {error}") from None
    if not isinstance(entries, list):
        raise ArchiveInvalid("archive: manifest.json: not a list")
    images = [Fields(entry, f"manifest.json: {number}") for number, entry in enumerate(entries)]
    return [_docker_image(image, members, blobs) for image in images]


def to_docker(images: Iterable[tuple[Named, Manifest]]) -> bytes:
    """Return a manifest.json that finds config and layers among the blobs of an image layout."""
    entries = [
        {
            "Config": blob_path(manifest.config.digest),
            "RepoTags": [one.familiar for one in image.references if one.tag] or None,
            "Layers": [blob_path(layer.digest) for layer in manifest.layers],
        }
        for image, manifest in images
    ]
    return json.dumps(entries, separators=(",", ":")).encode()


def blob_path(digest: str) -> str:
    """Return where a blob is in an image layout."""
    return "blobs/" + digest.replace(":", "/")


def _name(annotations: Mapping[str, str]) -> tuple[Reference | None, str | None]:
    """Return the whole reference that annotations give, or else the label."""
    whole, label = annotations.get(CONTAINERD_NAME), annotations.get(REFERENCE_NAME)
    if whole is not None and (reference := parse_reference(whole)) and label in (None, whole, reference.tag):
        return reference, None  # else a tool that knows ref.name alone gave the entry another one: umoci does
    if label is not None and any(mark in label for mark in ":/"):
        return parse_reference(label), None
    return None, label


def with_name(image: Named, name: str) -> Named:
    """Return the image under another name; a label becomes its tag if `name` has none."""
    reference = parse_reference(name)
    if image.label and ":" not in name.rpartition("/")[2] and reference.tag == DEFAULT_TAG:
        reference = parse_reference(f"{name}:{image.label}")
    return image._replace(references=(reference,), label=None)


def _docker_image(entry: Fields, members: Mapping[str, tuple[str, int]], blobs: Blobs) -> Named:
    def member(name: str, what: str) -> tuple[str, int]:
        found = members.get(posixpath.normpath(name).lstrip("/"))  # the names of members are normal
        if found is None:
            raise ArchiveInvalid(f'archive: {entry.where}/{what}: "{name[:200]}" is not in the archive')
        return found

    config_digest, config_size = member(entry.text("Config"), "Config")
    config = configs.parse(blobs.read(config_digest), where=f"config {config_digest}")
    paths = entry.texts("Layers")
    if len(paths) != len(config.diff_ids):
        raise ArchiveInvalid(
            f"archive: {entry.where}: {len(paths)} layers, but {len(config.diff_ids)} diff_ids"
        )
    layers = []
    for path, diff_id in zip(paths, config.diff_ids, strict=True):
        digest, size = member(path, "Layers")
        compression = compression_of(blobs, digest)
        if compression == "none" and digest != diff_id:
            raise BlobCorrupt(
                f'archive: layer "{path}": its bytes are {digest}, where the config has {diff_id}'
            )
        layers.append(Descriptor(media.layer_type(compression), digest, size))
    manifest = Manifest(Descriptor(media.OCI_CONFIG, config_digest, config_size), tuple(layers)).to_bytes()
    descriptor = Descriptor(media.OCI_MANIFEST, blobs.put(manifest), len(manifest))
    try:
        return Named(descriptor, tuple(parse_reference(tag) for tag in entry.texts("RepoTags")))
    except ReferenceInvalid as error:
        raise ReferenceInvalid(f"archive: {entry.where}/RepoTags: {error.message}", hint=error.hint) from None


def compression_of(blobs: Blobs, digest: str) -> media.Compression:
    """Return how a layer is packed, by its first bytes. Raises BlobNotFound, StoreError."""
    descriptor = blobs.open(digest)
    try:
        return media.compression_by_magic(os.pread(descriptor, 4, 0))
    finally:
        os.close(descriptor)
