# SPDX-License-Identifier: Apache-2.0
"""What is used by whom, and the removal of what nobody uses.

Used is what a name's last versions, an image without a name, a container or the build's cache leads to; the cache
holds what builds have taken of late. Whoever adds holds the store's lock shared until a name leads to what was added,
so the sweep sees nothing half-named.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import BlobNotFound, ImageError, ManifestInvalid
from estiba.images import digest as digests
from estiba.images import media
from estiba.images.durable import read_bounded
from estiba.images.history import behind
from estiba.images.image import Image
from estiba.images.reach import reachable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from estiba.images.manifest import Descriptor
    from estiba.images.reference import Reference
    from estiba.images.store import Store

CACHE_AGE = 30 * 86400
"""Seconds after which a result of a build that no build has taken is no longer held."""
KEPT_VERSIONS = 3
"""Versions of each name that prune keeps unless told otherwise, the current one included."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_RECORD_LIMIT = 16 << 20


class Size(NamedTuple):
    """What an image takes, packed, in bytes."""

    total: int
    unique: int
    """What would be freed if this image went: what no other in the store has."""


class Pruned(NamedTuple):
    """What a prune removed, or would."""

    images: tuple[str, ...]
    """Manifests and indexes."""
    blobs: tuple[str, ...]
    """All blobs, those of `images` among them."""
    blob_bytes: int
    layers: tuple[str, ...]
    """Chain ids of unpacked layers."""
    layer_bytes: int
    forgotten: tuple[Reference, ...]
    """Names that led nowhere, and whose logs went."""
    cache_records: int = 0


class _Used(NamedTuple):
    blobs: set[str]
    chains: set[str]


def users(store: Store) -> dict[str, list[str]]:
    """Return who leads to each manifest or index: "web:latest", "web:latest version 2", "container ID"."""
    found: dict[str, list[str]] = {}
    for reference in store.references.logged():
        current = store.references.get(reference)
        for record in store.references.log(reference):
            if record.after and record.verb != "rollback":
                is_current = current is not None and current.digest == record.after
                text = reference.familiar if is_current else f"{reference.familiar} version {record.version}"
                who = found.setdefault(record.after, [])
                if text not in who:
                    who.append(text)
    for container, mentioned in containers(store):
        for digest in mentioned:
            found.setdefault(digest, []).append(f"container {container}")
    return found


def sizes(store: Store) -> dict[str, Size]:
    """Return what each named or nameless image takes, by its manifest's or index's digest. Broken ones are left out."""
    parts: dict[str, dict[str, int]] = {}
    for descriptor in {one.digest: one for one in _current(store)}.values():
        try:
            parts[descriptor.digest] = {one.digest: one.size for one in reachable(store.blobs, descriptor)}
        except ImageError:
            continue
    counts: dict[str, int] = {}
    for blobs in parts.values():
        for digest in blobs:
            counts[digest] = counts.get(digest, 0) + 1
    return {
        image: Size(sum(blobs.values()), sum(size for digest, size in blobs.items() if counts[digest] == 1))
        for image, blobs in parts.items()
    }


def prune(
    store: Store,
    *,
    keep_versions: int = KEPT_VERSIONS,
    nameless: bool = True,
    cache: bool = False,
    without_containers: Collection[str] = (),
    dry_run: bool = False,
) -> Pruned:
    """Remove what nobody uses, and say what; waits for whoever adds to the store at the moment.

    `keep_versions`: how many of each name stay, at least the current one; `nameless`: images without a name go too,
    unless a container has them; `cache`: so does what only the build's cache holds; `without_containers`: ids of those
    that hold nothing, since they are gone or about to go. Of an image its manifest goes first: what is left by a kill in
    the middle is not taken for whole. Raises StoreError, BlobCorrupt if a manifest that is used cannot be read: nothing
    is removed then.
    """
    with store.sweeping():
        used = _used(store, max(1, keep_versions), nameless, cache, without_containers)
        known = _all_images(store)
        blobs = [one for one in store.blobs.iterate() if one not in used.blobs]
        layers = [one for one in store.layers.iterate() if one not in used.chains]
        gone = [one for one in store.references.logged() if store.references.get(one) is None]
        records = _cache_records(store, is_old=None if cache else True)
        pruned = Pruned(
            tuple(one for one in blobs if one in known),
            tuple(blobs),
            sum(store.blobs.size(one) for one in blobs),
            tuple(layers),
            sum(layer.size for one in layers if (layer := store.layers.get(one))),
            tuple(gone),
            len(records),
        )
        if not dry_run:
            _sweep(store, pruned, records, drop_nameless=nameless)
    return pruned


def _sweep(store: Store, pruned: Pruned, records: list[str], *, drop_nameless: bool) -> None:
    """Remove in this order: first what can be made again, and makes room for the index that is written then."""
    for path in records:
        os.unlink(path)
    for chain_id in pruned.layers:
        store.layers.remove(chain_id)
    for reference in pruned.forgotten:
        store.references.forget(reference)
    if drop_nameless:
        for descriptor in store.references.nameless():
            store.references.drop(descriptor.digest)
    first = set(pruned.images)
    for digest in sorted(pruned.blobs, key=lambda one: one not in first):
        store.blobs.remove(digest)
    store.layers.settle()


def _used(
    store: Store,
    keep_versions: int,
    drop_nameless: bool,
    drop_cache: bool,
    without_containers: Collection[str],
) -> _Used:
    used = _Used(set(), set())
    for reference in store.references.logged():
        if store.references.get(reference) is not None:
            for descriptor in kept_versions(store, reference, keep_versions):
                _mark(store, descriptor, used)
    if not drop_nameless:
        for descriptor in store.references.nameless():
            _mark(store, descriptor, used)
    known = _all_images(store)
    held = [mentioned for container, mentioned in containers(store) if container not in without_containers]
    for mentioned in held:
        for digest in mentioned:
            used.blobs.add(digest)
            used.chains.add(digest)
            if digest in known:
                _mark(store, known[digest], used)
    if not drop_cache:
        for path in _cache_records(store, is_old=False):
            _mark_cached(path, used)
    _mark_below(store, used.chains)
    return used


def kept_versions(store: Store, reference: Reference, count: int) -> list[Descriptor]:
    """Return what stays of a name: the current version, the one that a rollback leads to, and those that it stood for
    last, `count` different images in all. What is gone already takes no other's place.
    """
    log = store.references.log(reference)
    back = [one for one in behind(log) if one.after and store.blobs.has(one.after)]
    newest = [one for one in reversed(log) if one.after and store.blobs.has(one.after)]
    ordered = [store.references.get(reference), *(one.descriptor for one in (*back[:1], *newest))]
    found = {one.digest: one for one in ordered if one}
    return list(found.values())[:count]


def _mark(store: Store, descriptor: Descriptor, used: _Used) -> None:
    """Mark what an image is made of. What is damaged stops the prune: what it would need must not go with it.

    What is absent stops nothing: all else that the image has stays.
    """
    used.blobs.add(descriptor.digest)
    with suppress(BlobNotFound):
        for one in reachable(store.blobs, descriptor):
            used.blobs.add(one.digest)
            if one.media_type in media.MANIFESTS:
                # an artifact has no layers to unpack; of an image without its config they are not known
                with suppress(ManifestInvalid, BlobNotFound):
                    used.chains.update(Image(store, one).chain_ids)


def _mark_cached(path: str, used: _Used) -> None:
    """Mark what a record of the build's cache needs: the layer that was made, packed and unpacked."""
    try:
        record = json.loads(read_bounded(path, _RECORD_LIMIT))
        parent, result = record.get("parent"), record.get("result") or {}
        if digests.is_digest(result.get("blob")):
            used.blobs.add(result["blob"])
        if digests.is_digest(result.get("diff_id")):
            used.chains.add(digests.chain_id(parent, result["diff_id"]))
    except (ImageError, OSError, ValueError, AttributeError):
        return  # a record that cannot be read is of no use to the builder either


def _mark_below(store: Store, chains: set[str]) -> None:
    """Mark the layers that the marked ones stand on."""
    for chain_id in list(chains):
        layer = store.layers.get(chain_id)
        while layer and layer.parent and layer.parent not in chains:
            chains.add(layer.parent)
            layer = store.layers.get(layer.parent)


def _all_images(store: Store) -> dict[str, Descriptor]:
    """Return each manifest or index that a name ever led to, or that was kept without one."""
    named = [
        one.descriptor for reference in store.references.logged() for one in store.references.log(reference)
    ]
    return {one.digest: one for one in (*store.references.nameless(), *named) if one}


def _current(store: Store) -> Iterator[Descriptor]:
    for _, descriptor in store.references.iterate():
        yield descriptor
    yield from store.references.nameless()


def containers(store: Store) -> Iterator[tuple[str, set[str]]]:
    """Yield each container, and every digest that its record mentions: image, config, chain."""
    folder = store.folder("containers")
    for name in sorted(os.listdir(folder)):
        try:
            data = read_bounded(os.path.join(folder, name, "container.json"), _RECORD_LIMIT)
        except (OSError, ImageError):
            continue
        yield name, set(_DIGEST.findall(data.decode("utf-8", "replace")))


def _cache_records(store: Store, *, is_old: bool | None) -> list[str]:
    """Return the records of results: those that were not used for long, or the others, or all."""
    folder, before = store.folder("cache"), time.time() - CACHE_AGE
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    return [path for path in paths if is_old is None or is_old == (os.stat(path).st_mtime < before)]
