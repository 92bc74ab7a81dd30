# SPDX-License-Identifier: Apache-2.0
"""The bytes of an archive, whatever it was compressed by: `save | gzip` is loaded like `save`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from estiba.errors import ArchiveInvalid

if TYPE_CHECKING:
    from typing import IO

_BUFFER = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"


def open_stream(descriptor: int) -> BinaryIO:
    """Return a stream of the plain bytes behind `descriptor`, which stays the caller's and is read on from here.

    Raises ArchiveInvalid for a compression that is not read here.
    """
    raw = io.BufferedReader(io.FileIO(descriptor, closefd=False), _BUFFER)
    magic = raw.peek(6)[:6]
    if magic.startswith(b"\x1f\x8b"):
        import gzip

        return cast("BinaryIO", gzip.GzipFile(fileobj=cast("IO[bytes]", raw)))
    if magic.startswith(b"BZh"):
        import bz2

        return cast("BinaryIO", bz2.BZ2File(raw))
    if magic.startswith(b"\xfd7zXZ"):
        import lzma

        return cast("BinaryIO", lzma.LZMAFile(raw))
    if magic.startswith(_ZSTD):
        raise ArchiveInvalid("archive: compressed by zstd as a whole", hint="zstd -dc FILE | muelle load")
    return cast("BinaryIO", raw)
