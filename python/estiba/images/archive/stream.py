# SPDX-License-Identifier: Apache-2.0
"""The bytes of an archive, whatever it was compressed by: `save | zstd` is loaded like `save`."""

from __future__ import annotations

import io
import os
from contextlib import ExitStack
from errno import EISDIR
from typing import TYPE_CHECKING, BinaryIO, cast

from estiba.errors import ArchiveInvalid, BlobCorrupt, LayerInvalid, cause

if TYPE_CHECKING:
    from estiba.images.store import Store

_BUFFER = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
_OTHERS = ((b"\x04\x22\x4d\x18", "lz4"), (b"LZIP", "lzip"), (b"\x89LZO", "lzop"), (b"\x1f\x9d", "uncompress"))
"""How what others compress begins, and what inflates it."""


def open_stream(store: Store, descriptor: int) -> BinaryIO:
    """Return a stream of the plain bytes behind `descriptor`, which stays the caller's and is read on from here.

    The caller closes the stream. Raises ArchiveInvalid for a compression that is not read here, StoreError.
    """
    raw, magic = _begun(descriptor)
    if magic.startswith(b"\x1f\x8b"):
        import gzip

        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    if magic.startswith(_ZSTD):
        return _plain_by_engine(store, raw)
    return _inflated(raw, magic)


def open_layer(descriptor: int) -> BinaryIO:
    """Return a stream of the bytes that a layer's blob is to have: as they are, or inflated where no layer is packed so.

    Raises ArchiveInvalid as above.
    """
    return _inflated(*_begun(descriptor))


def _begun(descriptor: int) -> tuple[BinaryIO, bytes]:
    """Return the bytes behind a descriptor, and the first six of them, which are still to be read."""
    try:
        raw = io.BufferedReader(io.FileIO(descriptor, closefd=False), _BUFFER)
        return cast("BinaryIO", raw), raw.peek(6)[:6]
    except OSError as error:
        hint = (
            "`tar -C FOLDER -c .` in a pipe before this command packs one" if error.errno == EISDIR else None
        )
        raise ArchiveInvalid(f"archive: {cause(error.errno)}", errno=error.errno, hint=hint) from error


def _inflated(raw: BinaryIO, magic: bytes) -> BinaryIO:
    """Return a stream that inflates bzip2 and xz, and gives all else as it is."""
    if magic.startswith(b"BZh"):
        import bz2

        return cast("BinaryIO", bz2.BZ2File(raw))
    if magic.startswith(b"\xfd7zXZ"):
        import lzma

        return cast("BinaryIO", lzma.LZMAFile(raw))
    for begins, program in _OTHERS:
        if magic.startswith(begins):
            raise ArchiveInvalid(
                "archive: its compression is none of gzip, zstd, bzip2 and xz",
                hint=f"`{program} -dc FILE` in a pipe before this command inflates it",
            )
    return raw


def _plain_by_engine(store: Store, raw: BinaryIO) -> BinaryIO:
    """Return a tar file of what one by zstd holds: this Python has no zstd, but the engine, which unpacks, has."""
    import shutil
    import tempfile

    from estiba.images.pack import pack_layer
    from estiba.images.unpack import unpack_layer

    with store.tmp() as folder, tempfile.TemporaryFile(dir=folder) as packed, ExitStack() as unfinished:
        shutil.copyfileobj(raw, packed, _BUFFER)
        packed.seek(0)
        plain = unfinished.enter_context(tempfile.TemporaryFile(dir=folder))
        made = os.path.join(folder, "members")
        os.mkdir(made, 0o700)
        tree = os.open(made, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            unpack_layer(packed.fileno(), tree, compression="zstd", form="plain", rootless=store.is_rootless)
            pack_layer(tree, plain.fileno(), source="tree", compression="none", rootless=store.is_rootless)
        except (BlobCorrupt, LayerInvalid) as error:
            raise ArchiveInvalid(f"archive: {error.message}", hint=error.hint) from error
        finally:
            os.close(tree)
        plain.seek(0)
        unfinished.pop_all()
    return cast("BinaryIO", plain)
