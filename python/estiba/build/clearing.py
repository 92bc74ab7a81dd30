# SPDX-License-Identifier: Apache-2.0
"""Remove what builds keep for the next one beside their results: the caches of RUN, what they last built, half a file.

Results themselves are `estiba.images.collect`'s, which knows what else needs their layers.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from estiba.rootfs.remove import remove_tree

if TYPE_CHECKING:
    from estiba.images import Store


class Cleared(NamedTuple):
    """What was removed, or would be."""

    caches: int
    """Of RUN --mount=type=cache."""
    size: int
    """Of their files, in bytes."""


def clear(store: Store, *, dry_run: bool = False) -> Cleared:
    """Remove it and say how much it was; waits for all builds, which hold the store's lock while they go on.

    Raises StoreError.
    """
    with store.sweeping():
        caches = [entry.path for entry in os.scandir(store.folder("cache-mounts"))]
        cleared = Cleared(len(caches), sum(_size(path) for path in caches))
        if not dry_run:
            for path in caches:
                remove_tree(path)
            folder = store.folder("cache")
            remove_tree(os.path.join(folder, "builds"))
            for name in os.listdir(folder):
                if not name.endswith(".json"):
                    os.unlink(os.path.join(folder, name))
    return cleared


def _size(path: str) -> int:
    return sum(
        os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names
    )
