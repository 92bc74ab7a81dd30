# SPDX-License-Identifier: Apache-2.0
"""An image of one layer from a tar file with a root file system: `docker export`, debootstrap, anybody's tar."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from estiba.errors import ArchiveInvalid
from estiba.images import media, record
from estiba.images.archive.stream import open_layer
from estiba.images.archive.tar import CHUNK, DAMAGED
from estiba.images.config import History, ImageConfig
from estiba.images.manifest import Descriptor, Manifest
from estiba.images.platform import host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from estiba.images.platform import Platform
    from estiba.images.reference import Reference
    from estiba.images.store import Store


def import_(
    store: Store,
    source: int,
    *,
    reference: Reference | None = None,
    config: Mapping[str, Any] | None = None,
    message: str = "",
    created: str | None = None,
    platform: Platform | None = None,
    who: str | None = None,
) -> Descriptor:
    """Make an image of the tar file, plain or compressed, that can be read from `source`; return its descriptor.

    The bytes become the layer's blob as they are, or, from bzip2 and xz, by which no layer is packed, inflated. `config`: what a container gets (Cmd, Env, ...); `message`: what the
    history says; `created`: RFC 3339, by default now. Raises LayerInvalid for an archive that cannot be unpacked,
    ArchiveInvalid for an empty one, StoreError, KernelRefused.
    """
    from estiba.images.unpack import unpack_layer

    platform = platform or host()
    created = created or record.now()
    with store.using(), store.tmp() as folder, store.blobs.writer() as writer:
        for chunk in _chunks(source):
            writer.write(chunk)
        if not writer.written:
            raise ArchiveInvalid("archive: it is empty")
        made = os.path.join(folder, "layer")
        tree = os.path.join(made, "fs")
        os.makedirs(tree, 0o755)
        target = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.lseek(writer.fileno(), 0, os.SEEK_SET)
            unpacked = unpack_layer(writer.fileno(), target, rootless=store.is_rootless)
        finally:
            os.close(target)
        kind = media.compression_by_magic(os.pread(writer.fileno(), 4, 0))
        layer = Descriptor(media.layer_type(kind), writer.commit(), writer.written)
        blob, size, entries = layer.digest, unpacked.bytes, unpacked.entries
        store.layers.adopt(None, unpacked.diff_id, made, blob=blob, size=size, entries=entries)
        document = ImageConfig(
            platform.architecture,
            platform.os,
            dict(config or {}),
            (unpacked.diff_id,),
            (History(created, "import", message or None),),
            created=created,
            variant=platform.variant,
        ).to_bytes()
        manifest = Manifest(
            Descriptor(media.OCI_CONFIG, store.blobs.put(document), len(document)), (layer,)
        ).to_bytes()
        descriptor = Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest))
        if reference:
            store.references.move(reference, descriptor, verb="import", who=who)
        else:
            store.references.keep(descriptor)
    return descriptor


def _chunks(source: int) -> Iterator[bytes]:
    """Yield the bytes that the layer's blob is to have. Raises ArchiveInvalid."""
    with open_layer(source) as stream:
        try:
            while chunk := stream.read(CHUNK):
                yield chunk
        except (*DAMAGED, OSError) as error:  # the stream's, or its compression's
            raise ArchiveInvalid(f"archive: {error}") from error
