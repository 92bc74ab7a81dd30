# SPDX-License-Identifier: Apache-2.0
"""What an image is made of: the blobs that a descriptor leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.images import manifest as manifests
from estiba.images.manifest import Index

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.blobs import Blobs
    from estiba.images.manifest import Descriptor

_DEEPEST = 4
"""Indexes in indexes that are followed; one in another is rare, and a blob cannot hold its own digest."""


def reachable(blobs: Blobs, descriptor: Descriptor, *, depth: int = 0) -> Iterator[Descriptor]:
    """Yield `descriptor` and all below it: documents first, an image's config before its layers, bottom to top.

    Of an index only those images are followed that are here, since a pull takes one platform; config and layers are
    yielded whether they are here or not. Raises BlobNotFound, BlobCorrupt, ManifestInvalid.
    """
    where = f"{'index' if descriptor.is_index else 'manifest'} {descriptor.digest}"
    document = manifests.parse(blobs.read(descriptor.digest), media_type=descriptor.media_type, where=where)
    yield descriptor
    if isinstance(document, Index):
        for one in document.manifests:
            if depth < _DEEPEST and blobs.has(one.digest):
                yield from reachable(blobs, one, depth=depth + 1)
    else:
        yield document.config
        yield from document.layers


def missing(blobs: Blobs, descriptor: Descriptor) -> list[Descriptor]:
    """Return what `descriptor` leads to and is not here.

    Raises BlobCorrupt, ManifestInvalid.
    """
    if not blobs.has(descriptor.digest):
        return [descriptor]
    found = list(reachable(blobs, descriptor))
    return [one for one in found if not blobs.has(one.digest)]
