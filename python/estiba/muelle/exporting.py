# SPDX-License-Identifier: Apache-2.0
"""export: the root file system of a container or of an image, as one tar file: `import` reads it, and any tool."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from estiba.errors import ContainerNotFound
from estiba.images.pack import pack_layer
from estiba.images.snapshots import opened
from estiba.images.store import Store
from estiba.muelle import containers
from estiba.muelle.committing import paused
from estiba.muelle.differences import image_of
from estiba.muelle.find import find_image
from estiba.muelle.written import written

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from estiba.muelle.parse import Parsed


def export(parsed: Parsed) -> int:
    """Write what the container, or else the image, of this name has from its root on."""
    store, options, word = Store.open(parsed.globals.text("store")), parsed.options, parsed.words[0]
    pause: AbstractContextManager[None] = nullcontext()
    with store.using():
        try:
            kept = containers.find(containers.folder_of(store), word)
        except ContainerNotFound:
            lowers = find_image(store, word, options).lowers()
        else:
            lowers = [*image_of(store, kept).lowers(), str(kept.folder / "upper")]
            pause = paused(kept, wanted=not options.flag("no-pause"))
        with (
            written("export", options.text("output")) as out,
            opened(lowers, is_rootless=store.is_rootless) as tree,
            pause,
        ):
            pack_layer(tree, out, source="tree", compression="none", rootless=store.is_rootless)
    return 0
