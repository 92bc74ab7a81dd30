# SPDX-License-Identifier: Apache-2.0
"""--squash: all layers that a build has put on its base become one, which hides of the base what they hid.

new layers, stacked alone ─► packed ─► unpacked: what was added or changed
base against the whole    ─► a whiteout for each path that is gone
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from estiba.build.cache import Inputs
from estiba.build.layer import Layer, chain
from estiba.build.packing import Fresh
from estiba.build.progress import Verdict
from estiba.images import snapshots
from estiba.images.changes import compare
from estiba.images.pack import pack_layer
from estiba.images.stack import Stack
from estiba.images.unpack import unpack_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.build.execute import Build
    from estiba.build.state import State

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NAME = "squash"
"""In the history, and in keys."""


def squash(build: Build, state: State, folder: str) -> Verdict:
    """Make one layer of all that lie on the base of a finished stage; `folder` is an empty one in the store.

    Raises LayerInvalid, KernelRefused, StoreError, and what packing one of the layers raised.
    """
    base = state.base
    new = chain(state.layer)[len(chain(base)) :]
    if len(new) < 2:
        return Verdict.DONE
    content = {str(number): layer.diff_id for number, layer in enumerate(new)}
    inputs = Inputs(NAME, content=content).packed_as(build.options)
    if build.options.uses_cache:
        found = build.cache.find(inputs.key(base.chain_id if base else None))
        if found and found.diff_id and found.descriptor:
            state.replace_new(Layer.found(base, found.diff_id, found.descriptor), NAME)
            return Verdict.CACHED
    with build.packing.moving:
        whole, below = build.folders(state.layer), build.folders(base) if base else []
        merged = merge(below, whole[-len(new) :], folder, overlay=build.store.overlay)
    layer = Layer(base, folder=merged)
    build.packing.add(Fresh(layer, (inputs,), state.created or build.now(), NAME))
    state.replace_new(layer, NAME)
    return Verdict.DONE


def merge(base: Sequence[str], new: Sequence[str], folder: str, *, overlay: str) -> str:
    """Make one folder, in overlay form, of the folders `new` that lie on `base`; return it."""
    merged = os.path.join(folder, "layer", "fs")
    os.makedirs(merged, 0o755)
    target = os.open(merged, FOLDER)
    try:
        add_changes(new, folder, target, is_rootless=overlay == "user")
        with Stack(base, overlay=overlay) as before, Stack([*base, *new], overlay=overlay) as after:
            for change in compare(before, after):
                if change.kind == "D":
                    add_whiteout(target, change.path)
    finally:
        os.close(target)
    return merged


def add_changes(new: Sequence[str], folder: str, target: int, *, is_rootless: bool) -> None:
    """Unpack what the folders have if nothing is below them."""
    nothing = os.path.join(folder, "nothing")
    os.mkdir(nothing, 0o755)
    tar = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        with snapshots.opened([nothing, *new], is_rootless=is_rootless) as tree:
            pack_layer(tree, tar, source="tree", compression="none", rootless=is_rootless)
        os.lseek(tar, 0, os.SEEK_SET)
        unpack_layer(tar, target, compression="none", rootless=is_rootless)
    finally:
        os.close(tar)


def add_whiteout(root: int, path: str) -> None:
    """Mark a path as gone; the folder that it was in is there, since the layer that removed it changed that."""
    *parents, name = path.strip("/").split("/")
    folder = os.dup(root)
    try:
        for part in parents:
            inner = os.open(part, FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=folder)
    finally:
        os.close(folder)
