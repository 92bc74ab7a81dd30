# SPDX-License-Identifier: Apache-2.0
"""Look at everything in a store: is each blob what its name says, each image whole, each layer what its image says, the
index what the logs say?

What can be made again is repaired when asked: a damaged blob goes, so that a pull or a load can bring it back; a
layer's folder goes, and is unpacked again when it is needed; the index is written from the logs.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, NamedTuple

from estiba.errors import EstibaError, ImageError, StoreError
from estiba.images import digest as digests
from estiba.images import media
from estiba.images.collect import containers
from estiba.images.image import Image
from estiba.images.layers import stacked
from estiba.images.reach import reachable

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from estiba.images.layers import Wanted
    from estiba.images.manifest import Descriptor
    from estiba.images.store import Store

What = Literal["layout", "blob", "index", "log", "image", "layer"]


class Fault(NamedTuple):
    """One thing that is wrong."""

    what: What
    subject: str
    """A digest, a chain id, a name, a path."""
    message: str
    done: Literal["", "repaired", "removed"] = ""
    """What was done about it: what is removed is made, or fetched, again by who needs it."""
    hint: str | None = None


def fsck(store: Store, *, repair: bool = False) -> list[Fault]:
    """Return all that is wrong with a store; [] for a sound one. With `repair` what is safe is mended.

    A layer whose blob was never seen to be what its diff id says is unpacked aside, which takes time and space.
    `repair` waits for whoever adds to the store, and keeps them out. Raises StoreError.
    """
    with store.sweeping() if repair else store.using():
        faults = [*_layout(store, repair), *_logs(store), *_index(store, repair)]
        faults += _blobs(store, repair)
        damaged = {fault.subject for fault in faults if fault.what == "blob"}
        faults += _layers(store, repair)
        seen: dict[tuple[str, str], str | None] = {}
        for name, descriptor in _named(store):
            faults += _image(store, name, descriptor)
            faults += _diff_ids(store, name, descriptor, damaged, seen)
    return faults


def _layout(store: Store, repair: bool) -> Iterator[Fault]:
    try:
        store.layout.check()
    except StoreError as error:
        if repair:
            store.layout.create()
        yield Fault("layout", store.layout.folder, error.message, "repaired" if repair else "")


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
        message = "index.json differs from the logs of the names"
        yield Fault("index", store.layout.folder, message, "repaired" if repair else "")


def _blobs(store: Store, repair: bool) -> list[Fault]:
    """Read every blob, as many at once as there are processors."""
    from concurrent.futures import ThreadPoolExecutor

    def judge(digest: str) -> Fault | None:
        try:
            if (found := store.blobs.found(digest)) == digest:
                return None
            if repair:
                store.blobs.remove(digest)
        except ImageError as error:
            return Fault("blob", digest, error.message)
        return Fault("blob", digest, f"its bytes are {found}", "removed" if repair else "")

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
            "layer",
            chain_id,
            why,
            "removed" if removed else "",
            None if removed else "it is unpacked again when it is needed",
        )


def _named(store: Store) -> Iterator[tuple[str, Descriptor]]:
    for reference, descriptor in store.references.iterate():
        yield reference.familiar, descriptor
    for descriptor in store.references.nameless():
        yield descriptor.digest, descriptor


def _image(store: Store, name: str, descriptor: Descriptor) -> Iterator[Fault]:
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


def _diff_ids(
    store: Store,
    name: str,
    descriptor: Descriptor,
    damaged: Container[str],
    seen: dict[tuple[str, str], str | None],
) -> Iterator[Fault]:
    """Hold each layer against its diff id, where nothing says that it once was; `damaged` blobs are told already.

    `seen`: what was found out of other images' layers, None for a good one.
    """
    for wanted in _unproved(store, descriptor):
        if wanted.descriptor.digest in damaged:
            continue
        which = (wanted.diff_id, wanted.descriptor.digest)
        if which not in seen:
            seen[which] = _check(store, wanted)
        if (message := seen[which]) is not None:
            hint = "who made it has to make it again; `muelle rmi` removes it here"
            yield Fault("image", name, message, hint=hint)


def _unproved(store: Store, descriptor: Descriptor) -> Iterator[Wanted]:
    """Yield the layers of an image, or of all of an index, that are here and were not seen to be what they should."""
    with suppress(ImageError):  # which is told
        for one in reachable(store.blobs, descriptor):
            if one.media_type not in media.MANIFESTS:
                continue
            image = Image(store, one)
            for wanted in stacked(zip(image.config.diff_ids, image.manifest.layers, strict=True)):
                layer = wanted.descriptor
                is_here = layer.media_type in media.LAYERS and store.blobs.has(layer.digest)
                if is_here and not store.layers.is_proved(wanted):
                    yield wanted


def _check(store: Store, wanted: Wanted) -> str | None:
    try:
        store.layers.check(wanted)
    except EstibaError as error:
        return error.message
    return None
