# SPDX-License-Identifier: Apache-2.0
"""All layers of an image in one plain folder, as tools want it that know of no layers: each over those below it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from estiba.errors import ManifestInvalid
from estiba.images import media

if TYPE_CHECKING:
    from estiba.images.image import Image


def flatten(image: Image, folder: str) -> None:
    """Unpack an image into a folder that is made for it; what fails leaves a part of it.

    Raises LayerInvalid, BlobNotFound, BlobCorrupt, ManifestInvalid, KernelRefused, OSError.
    """
    os.mkdir(folder, 0o755)
    target = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for position, diff_id in enumerate(image.config.diff_ids):
            unpack_onto(image, position, diff_id, target)
    finally:
        os.close(target)


def unpack_onto(image: Image, position: int, diff_id: str, target: int) -> None:
    """Unpack one layer over those that are in the folder already."""
    from estiba.images.unpack import unpack_layer

    layer = image.manifest.layers[position]
    if layer.media_type not in media.LAYERS:
        raise ManifestInvalid(
            f'manifest {image.digest}: layers/{position}/mediaType: "{layer.media_type}" is no layer'
        )
    source = image.store.blobs.open(layer.digest)
    try:
        unpack_layer(
            source,
            target,
            digest=layer.digest,
            size=layer.size,
            diff_id=diff_id,
            form="plain",
            rootless=image.store.is_rootless,
        )
    finally:
        os.close(source)
