# SPDX-License-Identifier: Apache-2.0
"""A folder into a layer: the same tree gives the same bytes.

Names are sorted, whiteouts before their siblings; times are whole seconds; compressed parts do not depend on how many
cores there are. Left out: sockets, attributes that belong to the host (`trusted.`, security labels). The root has an
entry only where it is not a folder of root's with mode 0755.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from estiba import _core


class Packed(NamedTuple):
    """What was written."""

    digest: str
    """Of the bytes as they were written, compressed or not."""
    size: int
    """Of the same, in bytes."""
    diff_id: str
    """Digest of the tar."""
    tar_bytes: int
    """Size of the tar."""
    entries: int
    """Entries of the archive, whiteouts included."""


def pack_layer(
    tree: int,
    out: int,
    *,
    source: Literal["overlay", "tree"],
    compression: Literal["none", "gzip", "zstd"] = "gzip",
    level: int | None = None,
    clamp_mtime: int | None = None,
    rootless: bool = False,
) -> Packed:
    """Pack the folder that `tree` is open on, and write the layer to the descriptor `out`.

    `source` "overlay": the folder is the upper folder of an overlay, its marks (with `rootless` those of
    `user.overlay.`) become whiteouts; "tree": it is what it is. `level`: 1 to 12 of gzip, 1 to 19 of zstd; None is quick
    for its size. `clamp_mtime`: no time in the layer is later, in seconds since 1970 (SOURCE_DATE_EPOCH).

    Raises LayerInvalid naming the path: a name that would be a whiteout, a mark of overlayfs that needs what is below
    (redirect_dir, metacopy), a file that changes meanwhile; KernelRefused; ArgumentInvalid for a level that is none.
    """
    made = _core.pack_layer(
        tree,
        out,
        source=source,
        compression=compression,
        level=level,
        clamp_mtime=clamp_mtime,
        rootless=rootless,
    )
    return Packed(*made)
