# SPDX-License-Identifier: Apache-2.0
"""Archives that ADD unpacks: tar, plain or compressed by gzip, bzip2, xz or zstd. Told by their content, not by name."""

from __future__ import annotations

import os
import stat
import threading
from typing import TYPE_CHECKING, Any

from estiba.errors import BlobCorrupt, BuildFailed, LayerInvalid
from estiba.images.unpack import inflated_head, unpack_layer
from estiba.rootfs.inside import open_inside
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.build.context import Tree

MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))
OURS = ("none", "gzip", "zstd")
"""What the engine reads itself."""
TAR = (257, b"ustar")
"""Where the magic of a tar is (tar(5)); the oldest archives have none and are copied as they are."""


def is_archive(tree: Tree, path: str) -> bool:
    """Tell whether a source is a file that ADD unpacks."""
    try:
        found = open_inside(tree.fd, path)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            return False
        with _readable(found) as file:
            return _compression(file) is not None and _begins_as_tar(file)
    finally:
        os.close(found)


def unpack(tree: Tree, path: str, folder: str) -> None:
    """Unpack an archive into an empty folder. Raises BuildFailed for one that is damaged; KernelRefused."""
    found = open_inside(tree.fd, path)
    target = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with _readable(found) as file:
            if (kind := _compression(file)) in OURS:
                unpack_layer(file.fileno(), target, form="plain")
            else:
                _unpack_inflated(_inflating(file, kind), target)
    except (BlobCorrupt, LayerInvalid) as error:
        raise BuildFailed(f"the archive {quote(path)}: {error.message}", hint=error.hint) from None
    finally:
        os.close(target)
        os.close(found)


def _readable(found: int) -> Any:
    return open(f"/proc/self/fd/{found}", "rb", buffering=0)


def _compression(file: Any) -> str | None:
    """Return how a file is compressed: "none" of a plain tar; None where it is nothing of the kind."""
    head = os.pread(file.fileno(), 512, 0)
    for magic, kind in MAGIC:
        if head.startswith(magic):
            return kind
    offset, magic = TAR
    return "none" if head[offset : offset + len(magic)] == magic else None


def _begins_as_tar(file: Any) -> bool:
    """Look at what a file begins with: a lone compressed file, or one that cannot be inflated, is copied as it is."""
    damaged: tuple[type[Exception], ...] = (BlobCorrupt, *_damaged())
    try:
        if (kind := _compression(file)) in OURS:
            head = inflated_head(file.fileno(), 512)
        else:
            head = _inflating(file, kind).read(512)
    except damaged:
        return False
    finally:
        os.lseek(file.fileno(), 0, os.SEEK_SET)
    offset, magic = TAR
    return bool(head[offset : offset + len(magic)] == magic)


def _inflating(file: Any, kind: str | None) -> Any:
    if kind == "bzip2":
        from bz2 import BZ2File

        return BZ2File(file)
    from lzma import LZMAFile

    return LZMAFile(file)


def _damaged() -> tuple[type[Exception], ...]:
    """Return what those raise for bytes that are not theirs."""
    from lzma import LZMAError

    return OSError, EOFError, ValueError, LZMAError


def _unpack_inflated(source: Any, target: int) -> None:
    """Inflate here, beside the thread that unpacks."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    damaged = _damaged()
    damage: list[Exception] = []
    failure: LayerInvalid | None = None

    def pump() -> None:
        try:
            with open(writer, "wb", buffering=0) as pipe:
                while data := source.read(1 << 20):
                    pipe.write(data)
        except BrokenPipeError:
            return
        except damaged as error:
            damage.append(error)

    thread = threading.Thread(target=pump, name="estiba-inflate")
    thread.start()
    try:
        unpack_layer(reader, target, compression="none", form="plain")
    except LayerInvalid as error:
        failure = error
    finally:
        os.close(reader)
        thread.join()
    if damage:
        raise LayerInvalid(f"it is damaged: {damage[0]}")
    if failure is not None:
        raise failure
