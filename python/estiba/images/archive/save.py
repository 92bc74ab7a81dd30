# SPDX-License-Identifier: Apache-2.0
"""Save images into an archive: the blobs as they are in the store, so that digests stay; the same bytes each time.

Both formats are an image layout in a tar file, documents first, so that whoever reads a pipe knows what will come;
"docker-archive" has Docker's manifest.json besides, whose paths lead to the same blobs. So does Docker since 25, and
podman, skopeo and older Dockers read it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal

from estiba.errors import ArchiveInvalid, BlobCorrupt, cause
from estiba.images import digest as digests
from estiba.images import media, reach
from estiba.images.archive import images as archived
from estiba.images.archive.images import Named
from estiba.images.archive.tar import CHUNK, END, header, padding
from estiba.images.durable import write_all
from estiba.images.image import find, pick_here
from estiba.images.layout import INDEX, MARKER, VERSION_DOCUMENT
from estiba.images.manifest import Index, parse_manifest

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from estiba.images.blobs import Blobs
    from estiba.images.manifest import Descriptor, Manifest
    from estiba.images.store import Store

Format = Literal["oci-archive", "docker-archive"]


def named(store: Store, texts: Iterable[str]) -> list[Named]:
    """Return the images that the texts name, each once, with those of the names that lead to it.

    Raises ImageNotFound, ReferenceInvalid.
    """
    found: dict[str, Named] = {}
    for text in texts:
        descriptor, reference = find(store, text)
        before = found.get(descriptor.digest, Named(descriptor, ()))
        if reference and reference.tag and reference not in before.references:
            before = before._replace(references=(*before.references, reference._replace(digest=None)))
        found[descriptor.digest] = before
    return list(found.values())


def save(
    store: Store,
    images: Sequence[Named],
    out: int,
    *,
    form: Format = "docker-archive",
    leave_out: Container[str] = (),
) -> None:
    """Write `images` (see `named`) to the descriptor `out`, which may be a pipe.

    `leave_out`: digests of blobs that the receiver has; manifests, indexes and configs are small and always written.
    Raises BlobNotFound, BlobCorrupt, ManifestInvalid, ArchiveInvalid when `out` takes no more.
    """
    with store.using():
        index = Index(tuple(archived.to_index(images, for_containerd=True)))
        documents = {MARKER: VERSION_DOCUMENT, INDEX: index.to_bytes()}
        if form == "docker-archive":
            documents["manifest.json"] = archived.to_docker(
                (image, _manifest(store.blobs, image.descriptor)) for image in images
            )
        layers, others = _parts(store.blobs, images)
        try:
            for name, data in documents.items():
                write_all(out, header(name, len(data)) + data + padding(len(data)))
            for digest in (*others, *(one for one in layers if one not in leave_out)):
                _write_blob(store.blobs, digest, out)
            write_all(out, END)
        except OSError as error:
            raise ArchiveInvalid(
                f"cannot write the archive: {cause(error.errno)}", errno=error.errno
            ) from error


def _parts(blobs: Blobs, images: Sequence[Named]) -> tuple[list[str], list[str]]:
    """Return the digests of all layers and of all other blobs, each once, in the order of their first use.

    Foreign layers that are not here are nobody's to send.
    """
    found = {one.digest: one for image in images for one in reach.reachable(blobs, image.descriptor)}
    kept = [one for one in found.values() if one.media_type not in media.FOREIGN or blobs.has(one.digest)]
    layers = [one.digest for one in kept if one.media_type in media.LAYERS]
    return layers, [one.digest for one in kept if one.media_type not in media.LAYERS]


def _manifest(blobs: Blobs, descriptor: Descriptor) -> Manifest:
    one = pick_here(blobs, descriptor)
    return parse_manifest(blobs.read(one.digest), media_type=one.media_type, where=f"manifest {one.digest}")


def _write_blob(blobs: Blobs, digest: str, out: int) -> None:
    """Write a blob as a member, verified while it passes. Raises BlobNotFound, BlobCorrupt, OSError."""
    from hashlib import sha256

    source = blobs.open(digest)
    try:
        size = left = os.fstat(source).st_size
        summed = sha256()
        write_all(out, header(archived.blob_path(digest), size))
        while left and (chunk := os.read(source, min(CHUNK, left))):
            summed.update(chunk)
            write_all(out, chunk)
            left -= len(chunk)
        write_all(out, padding(size))
    finally:
        os.close(source)
    if (found := digests.PREFIX + summed.hexdigest()) != digest:
        raise BlobCorrupt(
            f"blob {digest}: its bytes are {found}", hint="`muelle fsck` finds all that are damaged"
        )
