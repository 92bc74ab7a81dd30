# SPDX-License-Identifier: Apache-2.0
"""Look at everything in a store: is each blob what its name says, each image whole, the index what the logs say?

What can be made again is repaired when asked: a damaged blob goes, so that a pull or a load can bring it back; a
layer's folder goes, and is unpacked again when it is needed; the index is written from the logs.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Literal, NamedTuple

from estiba.errors import BlobCorrupt, EstibaError, ImageError, StoreError
from estiba.images import digest as digests
from estiba.images import media
from estiba.images.collect import containers
from estiba.images.image import Image
from estiba.images.reach import reachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.manifest import Descriptor
    from estiba.images.store import Store

What = Literal["layout", "blob", "index", "log", "image", "layer"]


class Fault(NamedTuple):
    """One thing that is wrong."""

    what: What
    subject: str
    """A digest, a chain id, a name, a path."""
    message: str
    repaired: bool = False
    hint: str | None = None


def fsck(store: Store, *, repair: bool = False, diff_ids: bool = False) -> list[Fault]:
    """Return all that is wrong with a store; [] for a sound one. With `repair` what is safe is mended.

    `diff_ids`: unpack every layer of every image aside and hold it against its diff id, which takes time and space.
    `repair` waits for whoever adds to the store, and keeps them out. Raises StoreError.
    """
    with store.sweeping() if repair else store.using():
        faults = [*_layout(store, repair), *_logs(store), *_index(store, repair)]
        faults += _blobs(store, repair)
        faults += _layers(store, repair)
        for name, descriptor in _named(store):
            faults += _image(store, name, descriptor, diff_ids)
    return faults


def _layout(store: Store, repair: bool) -> Iterator[Fault]:
    try:
        store.layout.check()
    except StoreError as error:
        if repair:
            store.layout.create()
        yield Fault("layout", store.layout.folder, error.message, repair)


def _logs(store: Store) -> Iterator[Fault]:
    for reference in store.references.logged():
        if damaged := store.references.damaged(reference):
            yield Fault(
                "log",
                reference.familiar,
                f"{damaged} of its lines cannot be read",
                hint="a power cut leaves one at most",
            )


def _index(store: Store, repair: bool) -> Iterator[Fault]:
    try:
        differs = store.references.differs()
    except ImageError as error:
        yield Fault("index", store.layout.folder, error.message)
        return
    if differs:
        if repair:
            store.references.repair(force=True)
        yield Fault("index", store.layout.folder, "index.json differs from the logs of the names", repair)


def _blobs(store: Store, repair: bool) -> list[Fault]:
    """Read every blob, as many at once as there are processors."""
    from concurrent.futures import ThreadPoolExecutor

    def judge(digest: str) -> Fault | None:
        try:
            store.blobs.verify(digest)
        except ImageError as error:
            if repair and isinstance(error, BlobCorrupt):
                store.blobs.remove(digest)
                return Fault("blob", digest, error.message, True, "pull or load what needs it again")
            return Fault("blob", digest, error.message)
        return None

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [fault for fault in pool.map(judge, sorted(store.blobs.iterate())) if fault]


def _layers(store: Store, repair: bool) -> Iterator[Fault]:
    mounted = {digest for _, mentioned in containers(store) for digest in mentioned}
    for chain_id in sorted(store.layers.iterate()):
        layer = store.layers.record(chain_id)
        if layer is None:
            why = "its record is absent or damaged"
        elif digests.chain_id(layer.parent, layer.diff_id) != chain_id:
            why = f"its record is that of {digests.chain_id(layer.parent, layer.diff_id)}"
        elif not os.path.isdir(store.layers.path(chain_id)):
            why = "its files are absent"
        else:
            continue
        removed = repair and chain_id not in mounted
        if removed:
            store.layers.remove(chain_id)
        yield Fault(
            "layer", chain_id, why, removed, None if removed else "it is unpacked again when it is needed"
        )


def _named(store: Store) -> Iterator[tuple[str, Descriptor]]:
    for reference, descriptor in store.references.iterate():
        yield reference.familiar, descriptor
    for descriptor in store.references.nameless():
        yield descriptor.digest, descriptor


def _image(store: Store, name: str, descriptor: Descriptor, diff_ids: bool) -> Iterator[Fault]:
    hint = "pull, load or build it again, or go back to a version that is whole"
    try:
        parts = list(reachable(store.blobs, descriptor))
    except ImageError as error:
        yield Fault("image", name, error.message, hint=hint)
        return
    for one in parts:
        if not store.blobs.has(one.digest):
            yield Fault("image", name, f"blob {one.digest} is absent", hint=hint)
        elif (size := store.blobs.size(one.digest)) != one.size:
            yield Fault(
                "image", name, f"blob {one.digest}: {size} bytes, where {one.size} were promised", hint=hint
            )
        elif diff_ids and one.media_type in media.MANIFESTS:
            yield from _diff_ids(store, name, one)


def _diff_ids(store: Store, name: str, descriptor: Descriptor) -> Iterator[Fault]:
    """Unpack each layer of an image aside: that proves its diff id, and that it can be unpacked."""
    from estiba.images.unpack import unpack_layer

    try:
        image = Image(store, descriptor)
        wanted = image.config.diff_ids
    except ImageError as error:
        yield Fault("image", name, error.message)
        return
    for layer, diff_id in zip(image.manifest.layers, wanted, strict=True):
        with store.tmp() as folder:
            target = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            source = -1
            try:
                source = store.blobs.open(layer.digest)
                unpack_layer(source, target, digest=layer.digest, diff_id=diff_id, rootless=store.is_rootless)
            except EstibaError as error:
                yield Fault("image", name, error.message)
            finally:
                os.close(target)
                if source >= 0:
                    os.close(source)
