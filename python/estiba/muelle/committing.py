# SPDX-License-Identifier: Apache-2.0
"""commit: what a container has written becomes a layer, on top of its image."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from estiba.images import media
from estiba.images.config import History
from estiba.images.manifest import Descriptor, Manifest
from estiba.images.pack import pack_layer
from estiba.images.record import now
from estiba.images.store import Store
from estiba.lifecycle.container import Container
from estiba.muelle import containers, output
from estiba.muelle.changing import changed_and_named
from estiba.muelle.differences import image_of
from estiba.muelle.names import new_name
from estiba.muelle.standing import standing_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.image import Image
    from estiba.images.pack import Packed
    from estiba.muelle.containers import Kept
    from estiba.muelle.parse import Options, Parsed


def commit(parsed: Parsed) -> int:
    """Make an image of a container, and print its id."""
    store, options = Store.open(parsed.globals.text("store")), parsed.options
    name = new_name(parsed.words[1]) if len(parsed.words) > 1 else None
    kept = containers.find(containers.folder_of(store), parsed.words[0])
    with store.using():
        image = image_of(store, kept)
        with paused(kept, wanted=not options.flag("no-pause")):
            layer, packed = packed_upper(store, kept)
        found = put(image, layer, packed, kept, options)
        made = changed_and_named(store, found, options.list("change"), name, verb="commit")
    output.write(f"{made.id}\n")
    return 0


@contextmanager
def paused(kept: Kept, *, wanted: bool) -> Iterator[None]:
    """Freeze the container's program while its files are read, if it runs."""
    if not wanted or standing_of(kept).status != "running":
        yield
        return
    container = Container(kept.id, root=kept.root)
    container.pause()
    try:
        yield
    finally:
        container.resume()


def packed_upper(store: Store, kept: Kept) -> tuple[Descriptor, Packed]:
    """Pack what the container has written into a blob."""
    with store.blobs.writer() as writer:
        upper = os.open(kept.folder / "upper", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            packed = pack_layer(upper, writer.fileno(), source="overlay", rootless=store.is_rootless)
        finally:
            os.close(upper)
        digest = writer.commit(packed.digest)
    return Descriptor(media.layer_type("gzip"), digest, packed.size), packed


def put(image: Image, layer: Descriptor, packed: Packed, kept: Kept, options: Options) -> Descriptor:
    """Write the config and the manifest of the image with one more layer; return the manifest's descriptor."""
    made = History(
        created=now(),
        created_by=" ".join(kept.record.get("command") or ()) or "commit",
        comment=options.text("message"),
        author=options.text("author"),
    )
    config = image.config._replace(
        diff_ids=(*image.config.diff_ids, packed.diff_id),
        history=(*image.config.history, made),
        created=made.created,
        author=made.author or image.config.author,
    ).to_bytes()
    blobs = image.store.blobs
    described = Descriptor(media.OCI_CONFIG, blobs.put(config), len(config))
    layers = tuple(each._replace(media_type=as_oci(each.media_type)) for each in image.manifest.layers)
    manifest = Manifest(described, (*layers, layer)).to_bytes()
    return Descriptor(media.OCI_MANIFEST, blobs.put(manifest), len(manifest))


def as_oci(media_type: str) -> str:
    """Return the OCI's name for a layer's type: one manifest has the names of one house."""
    compression = media.LAYERS.get(media_type)
    return media_type if compression is None or media_type in media.FOREIGN else media.layer_type(compression)
