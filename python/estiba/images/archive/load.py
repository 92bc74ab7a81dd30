# SPDX-License-Identifier: Apache-2.0
"""Load images from an archive: one pass over a stream that may come from a pipe, and from anybody.

Each file of the archive becomes a blob while its bytes pass, whatever order they come in; a blob is invisible until a
name leads to it. When all have passed, what the archive names is looked at, its layers are unpacked, which proves their
diff ids, and only a whole image gets its name.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import ArchiveInvalid, BlobCorrupt, ReferenceInvalid
from estiba.images import config as configs
from estiba.images import digest as digests
from estiba.images import media, reach
from estiba.images.archive import images as archived
from estiba.images.archive.stream import open_stream
from estiba.images.archive.tar import TarReader
from estiba.images.layers import stacked
from estiba.images.layout import INDEX, MARKER
from estiba.images.manifest import parse_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.images.archive.images import Named
    from estiba.images.archive.tar import Member
    from estiba.images.blobs import Blobs
    from estiba.images.layers import Wanted
    from estiba.images.store import Store

_DOCUMENTS = (MARKER, INDEX, "manifest.json")
_LIMIT = 16 << 20
"""Bytes of one of these documents."""
_IGNORED = ("repositories", "VERSION")
"""What older Dockers write beside manifest.json, which says it all."""
_LINKS = 100


class _Content(NamedTuple):
    documents: dict[str, bytes]
    members: dict[str, tuple[str, int]]
    """Digest and size of what became a blob, by the member's name."""


def load(store: Store, source: int, *, name: str | None = None, who: str | None = None) -> list[Named]:
    """Load all images that can be read from the descriptor `source`, and give them the names that they have there.

    `name`: what the only image is called instead. An image without a name is kept as a nameless one. What fails
    leaves every name where it was. Raises ArchiveInvalid, BlobCorrupt, BlobNotFound for what was left out on saving
    and is not here, ManifestInvalid, LayerInvalid, ReferenceInvalid, StoreError, KernelRefused.
    """
    with store.using():
        content = _read(store, source)
        images = _images(content, store.blobs)
        return keep(store, images, name=name, who=who)


def keep(store: Store, images: Sequence[Named], *, name: str | None, who: str | None) -> list[Named]:
    """Name images whose blobs are in the store by now, if all of them are whole. The store is in use already."""
    if name is not None:
        archived.check_alone(images, name)
        images = [archived.with_name(images[0], name)]
    images = [_named_rightly(image) for image in images]
    wanted = [layer for image in images for layer in _check_whole(store.blobs, image)]
    _prove(store, [layer for layer in wanted if not store.layers.is_proved(layer)])
    for image in images:
        for reference in image.references:
            store.references.move(reference, image.descriptor, verb="load", who=who)
        if not image.references:
            store.references.keep(image.descriptor)
    return list(images)


def _named_rightly(image: Named) -> Named:
    """Return an image with its names, if a digest in one is its own: beside a tag that needs not be said."""
    for reference in image.references:
        if reference.digest not in (None, image.descriptor.digest):
            raise ReferenceInvalid(
                f'archive: "{reference.familiar}": the image with this name is {image.descriptor.digest}',
                hint="`muelle load --tag NAME` gives it another name",
            )
    references = (one._replace(digest=None) if one.tag else one for one in image.references)
    return image._replace(references=tuple(dict.fromkeys(references)))


def _read(store: Store, source: int) -> _Content:
    """Let the archive pass by: documents into memory, other files into blobs."""
    content = _Content({}, {})
    links: dict[str, str] = {}
    with open_stream(store, source) as stream:
        reader = TarReader(stream)
        for member in reader:
            if member.kind == "link" and member.target:
                links[member.name] = member.target
            elif member.kind == "file" and member.name in _DOCUMENTS:
                content.documents[member.name] = reader.read(_LIMIT)
            elif member.kind == "file" and member.name not in _IGNORED:
                content.members[member.name] = _take(store.blobs, member, reader), member.size
    for link in links:
        target = link
        for _ in range(_LINKS):
            target = links.get(target, target)
        if target in content.members:
            content.members[link] = content.members[target]
    return content


def _take(blobs: Blobs, member: Member, reader: TarReader) -> str:
    """Make a blob of the current member; one that is here already is held against its digest all the same."""
    folder, _, digits = member.name.rpartition("/")
    expected = digests.PREFIX + digits if folder == "blobs/sha256" else None
    if expected and not digests.is_digest(expected):
        raise ArchiveInvalid(f'archive: "{member.name}" is not the name of a blob')
    if expected and blobs.has(expected) and blobs.size(expected) == member.size:
        return _check(expected, reader)
    with blobs.writer(expected=expected, size=member.size) as writer:
        for chunk in reader.chunks():
            writer.write(chunk)
        return writer.commit()


def _check(expected: str, reader: TarReader) -> str:
    from hashlib import sha256

    summed = sha256()
    for chunk in reader.chunks():
        summed.update(chunk)
    if (found := digests.PREFIX + summed.hexdigest()) != expected:
        raise BlobCorrupt(f"blob {expected}: its bytes are {found}")
    return expected


def _images(content: _Content, blobs: Blobs) -> list[Named]:
    documents = content.documents
    if INDEX in documents and MARKER in documents:
        found = archived.of_index(documents[INDEX], f"archive: {INDEX}")
    elif "manifest.json" in documents:
        found = archived.of_docker(documents["manifest.json"], content.members, blobs)
    else:
        lacks = f"{INDEX} and {MARKER}" if INDEX not in documents else MARKER
        raise ArchiveInvalid(
            f"archive: no archive of images: it has no manifest.json, and no {lacks}",
            hint="`muelle import` makes an image of a root file system",
        )
    if not found:
        raise ArchiveInvalid("archive: it has no image")
    return found


def _prove(store: Store, layers: Sequence[Wanted]) -> None:
    """Unpack layers, as many at once as there are processors; the first failure ends it."""
    if not layers:
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        futures = [pool.submit(store.layers.prove, layer) for layer in layers]
        try:
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _check_whole(blobs: Blobs, image: Named) -> list[Wanted]:
    """Return the layers of an image that can be unpacked, if no blob of it is absent or of another size.

    Raises what is wrong with it before a name leads to it.
    """
    layers: list[Wanted] = []
    if not blobs.has(image.descriptor.digest):
        raise ArchiveInvalid(f"archive: manifest {image.descriptor.digest} is not in it")
    for one in reach.reachable(blobs, image.descriptor):
        if not blobs.has(one.digest):
            if one.media_type in media.FOREIGN:
                continue
            raise ArchiveInvalid(
                f"archive: blob {one.digest} is neither in it nor in the store",
                hint="it was saved with --only-missing for a store that has more",
            )
        if (size := blobs.size(one.digest)) != one.size:
            raise BlobCorrupt(f"blob {one.digest}: {size} bytes, where {one.size} were promised")
        if one.media_type in media.MANIFESTS:
            layers += [layer for layer in _layers(blobs, one.digest) if blobs.has(layer.descriptor.digest)]
    return layers


def _layers(blobs: Blobs, digest: str) -> list[Wanted]:
    """Return an image's layers, its config held against its manifest; of an artifact nothing is known."""
    manifest = parse_manifest(blobs.read(digest), where=f"manifest {digest}")
    if not manifest.is_image or not blobs.has(manifest.config.digest):
        return []
    config = configs.parse(blobs.read(manifest.config.digest), where=f"config {manifest.config.digest}")
    if len(config.diff_ids) != len(manifest.layers):
        raise ArchiveInvalid(
            f"manifest {digest}: {len(manifest.layers)} layers, but {len(config.diff_ids)} diff_ids"
        )
    for layer, diff_id in zip(manifest.layers, config.diff_ids, strict=True):
        # As containerd does, how a layer is packed is seen by its bytes: some tools label it otherwise.
        if layer.digest == diff_id or layer.media_type not in media.LAYERS or not blobs.has(layer.digest):
            continue
        if archived.compression_of(blobs, layer.digest) == "none":
            raise BlobCorrupt(
                f"layer {layer.digest}: a tar that is not compressed, but its diff_id is {diff_id}"
            )
    layers = stacked(zip(config.diff_ids, manifest.layers, strict=True))
    return [layer for layer in layers if layer.descriptor.media_type in media.LAYERS]
