# SPDX-License-Identifier: Apache-2.0
"""The image of a finished stage: config and manifest into the store, and the names that shall lead to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from estiba.build.layer import chain
from estiba.images import media, reference
from estiba.images.manifest import Descriptor, Manifest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from estiba.build.state import State
    from estiba.images import Store


class Built(NamedTuple):
    """An image that was built."""

    digest: str
    """Of its manifest."""
    id: str
    """Of its config."""
    names: tuple[str, ...]
    size: int
    """Bytes of its layers as they are stored."""


def assemble(store: Store, state: State, labels: Mapping[str, str], names: Sequence[str]) -> Built:
    """Write config and manifest, then move the names. The layers' blobs are there already.

    The same stage makes the same bytes: a build that finds all its results writes nothing. Raises StoreError.
    """
    layers = chain(state.layer)
    config = dict(state.config)
    if labels:
        config["Labels"] = {**(config.get("Labels") or {}), **labels}
    image = state.image._replace(
        config=config,
        diff_ids=tuple(layer.diff_id for layer in layers),
        history=tuple(state.history),
        created=state.created,
        author=state.author,
    )
    config_bytes = image.to_bytes()
    config_digest = store.blobs.put(config_bytes)
    manifest = Manifest(
        Descriptor(media.OCI_CONFIG, config_digest, len(config_bytes)),
        tuple(_as_oci(layer.descriptor) for layer in layers),
    )
    manifest_bytes = manifest.to_bytes()
    found = Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest_bytes), len(manifest_bytes))
    for name in names:
        store.references.move(reference.parse(name), found, verb="build")
    if not names:
        store.references.keep(found)
    size = sum(layer.descriptor.size for layer in layers)
    return Built(found.digest, config_digest, tuple(names), size)


def _as_oci(descriptor: Descriptor) -> Descriptor:
    """Name a layer of a Docker image in OCI's words: one manifest speaks one language (media-types.md)."""
    compression = media.LAYERS.get(descriptor.media_type)
    if descriptor.media_type in media.FOREIGN or compression is None:
        return descriptor
    return Descriptor(media.layer_type(compression), descriptor.digest, descriptor.size)
