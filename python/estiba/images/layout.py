# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout on disk (image-spec image-layout.md): `oci-layout`, `index.json`, `blobs`.

The store's own, and those that others made. Who changes index.json holds a lock over it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from estiba.errors import ManifestInvalid, StoreError
from estiba.images import manifest
from estiba.images.blobs import Blobs
from estiba.images.durable import read_bounded, refused, replace_file
from estiba.images.fields import parse_object
from estiba.images.manifest import Descriptor, Index

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKER = "oci-layout"
INDEX = "index.json"
VERSION_DOCUMENT = b'{"imageLayoutVersion":"1.0.0"}'
_INDEX_LIMIT = 64 << 20
"""Bytes of an index.json; at 300 a name these are 200,000 names."""


class Layout:
    """A folder that is an image layout, or is to become one by `create`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.blobs = Blobs(os.path.join(folder, "blobs"))
        self._index = os.path.join(folder, INDEX)

    def create(self) -> None:
        """Make what is not there yet: the folders, the marker, an index without images. Raises StoreError."""
        try:
            self.blobs.create()
        except OSError as error:
            raise refused("make", self.folder, error) from error
        if not os.path.exists(self._index):
            self.replace(())
        marker = os.path.join(self.folder, MARKER)
        if not os.path.exists(marker):
            replace_file(marker, VERSION_DOCUMENT)

    def check(self) -> None:
        """Raise StoreError unless the folder is an image layout of a version that is read here."""
        marker = os.path.join(self.folder, MARKER)
        try:
            version = parse_object(read_bounded(marker, 1 << 16), marker).text("imageLayoutVersion")
        except FileNotFoundError:
            raise StoreError(f'"{self.folder}" is no OCI image layout: oci-layout is absent') from None
        except OSError as error:
            raise refused("read", marker, error) from error
        if version.split(".")[0] != "1":
            raise StoreError(f'"{self.folder}": an OCI image layout of version "{version}", where 1 is read')

    def read(self) -> list[Descriptor]:
        """Return what the index names, in its order. Raises StoreError, ManifestInvalid."""
        try:
            data = read_bounded(self._index, _INDEX_LIMIT)
        except OSError as error:
            raise refused("read", self._index, error) from error
        index = manifest.parse(data, media_type=None, where=self._index)
        if not isinstance(index, Index):
            raise ManifestInvalid(f"{self._index}: a manifest, where an index belongs")
        return list(index.manifests)

    def replace(self, manifests: Iterable[Descriptor]) -> None:
        """Make the index name exactly these, in one step. Raises StoreError."""
        replace_file(self._index, Index(tuple(manifests)).to_bytes())
