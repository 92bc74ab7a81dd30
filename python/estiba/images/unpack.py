# SPDX-License-Identifier: Apache-2.0
"""A layer into a folder, in one pass over its bytes.

What holds for every archive, whoever made it: nothing outside of the folder is read or changed; `..` in a path is
refused; links on the way to an entry are followed inside of the folder, as tools do that unpack in a chroot; nothing
is ever followed to create or change a file; a later entry replaces an earlier one.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from estiba import _core

MAX_BYTES = 1 << 36
"""What all files of a layer may come to, unless a caller says otherwise: 64 GiB."""
MAX_ENTRIES = 1 << 21
"""How many entries a layer may have, unless a caller says otherwise: two million."""


class Unpacked(NamedTuple):
    """What was read and made."""

    digest: str
    """Of the bytes as they were read, compressed or not."""
    size: int
    """Of the same, in bytes."""
    diff_id: str
    """Digest of the tar."""
    bytes: int
    """Sizes of all files in sum, holes included."""
    entries: int
    """Entries of the archive, whiteouts included."""


def unpack_layer(
    source: int,
    target: int,
    *,
    compression: Literal["none", "gzip", "zstd", "auto"] = "auto",
    digest: str | None = None,
    size: int | None = None,
    diff_id: str | None = None,
    form: Literal["overlay", "plain"] = "overlay",
    rootless: bool = False,
    max_bytes: int = MAX_BYTES,
    max_entries: int = MAX_ENTRIES,
) -> Unpacked:
    """Unpack what can be read from the descriptor `source` into the folder that `target` is open on.

    `digest` and `size` (bytes) are what was promised of the bytes read, `diff_id` of the tar. In the form "overlay" the
    folder becomes a layer of overlayfs, whiteouts its marks; in the form "plain" it holds the layers below, and
    whiteouts remove from it. An overlay layer whose archive hides all below (`.wh..wh..opq` in its root) has the mark on
    the folder itself, where the kernel does not look: what lies below it must not be mounted under it.

    `rootless`: marks are attributes of `user.overlay.`, device nodes are left out, owners that are not mapped stay
    the caller. Of extended attributes those travel that images have: security.capability, user.*, POSIX ACLs.

    Raises LayerInvalid with the entry, its number and its place in the archive; BlobCorrupt when the bytes are not
    the promised ones, whatever else is wrong with them; KernelRefused. The folder then holds a part of the layer.
    Nothing is brought to the disk: `_core.sync_filesystem` does.
    """
    made = _core.unpack_layer(
        source,
        target,
        compression=compression,
        expected_digest=digest,
        expected_size=size,
        expected_diff_id=diff_id,
        form=form,
        rootless=rootless,
        max_bytes=max_bytes,
        max_entries=max_entries,
    )
    return Unpacked(*made)


def inflated_head(source: int, length: int) -> bytes:
    """Return the first `length` bytes of a file, inflated where it begins as gzip or zstd do; its offset moves on.

    Raises BlobCorrupt, KernelRefused.
    """
    return _core.inflated_head(source, length)
