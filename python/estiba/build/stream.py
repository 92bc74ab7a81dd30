# SPDX-License-Identifier: Apache-2.0
"""A build's source that comes by a stream: a Containerfile alone, or an archive with one.

An archive may be anybody's: what is read of it is read inside of it, and regular files alone.
"""

from __future__ import annotations

import os
import shutil
from errno import EINVAL, ENOENT, ENOTDIR
from hashlib import sha256
from typing import BinaryIO

from estiba.build import ignore
from estiba.build.context import Tree
from estiba.build.recipe.text import LONGEST
from estiba.build.source import NAME, NAMES, Source, no_recipe, open_folder
from estiba.build.steps import archives
from estiba.errors import BuildFailed, cause
from estiba.rootfs.inside import read_inside
from estiba.spec.words import quote


def from_stream(stream: BinaryIO, file: str | os.PathLike[str] | None, aside: str) -> Source:
    """Read a stream to its end; an archive is unpacked in the folder `aside`, and `file` is a path in it.

    Raises BuildFileInvalid, BuildFailed, KernelRefused.
    """
    folder = os.path.join(aside, "context")
    os.mkdir(folder, 0o700)
    text = _lone_or_unpacked(stream, aside, folder)
    tree = Tree(open_folder(folder), NAME, keeps_ids=False)
    try:
        if text is not None:
            if file is not None:
                hint = "leave out --file, or send an archive with that file in it"
                raise BuildFailed("a Containerfile by a stream has no other name", hint=hint)
            return Source(tree, text, NAMES[0], _place(text))
        name, text = _recipe_inside(tree, file)
        tree.ignored = ignore.find("", name, lambda path: _read_inside(tree, path, ignore.LONGEST))
    except BaseException:
        tree.close()
        raise
    return Source(tree, text, name, _place(text))


def _lone_or_unpacked(stream: BinaryIO, aside: str, folder: str) -> bytes | None:
    """Return the Containerfile that the stream is; None where it was an archive, which is in the folder then."""
    name = "archive"
    path = os.path.join(aside, name)
    begin = stream.read(LONGEST + 1)
    with Tree(open_folder(aside), "the stream", keeps_ids=False) as spool, open(path, "wb") as kept:
        kept.write(begin)
        kept.flush()
        if not archives.is_archive(spool, name):
            if len(begin) > LONGEST:
                message = f"the stream is no archive, and has more than {LONGEST >> 20} MiB, which no Containerfile has"
                raise BuildFailed(
                    message, hint="a tar file, or one by gzip, zstd, bzip2 or xz, is an archive"
                )
            return begin
        shutil.copyfileobj(stream, kept, 1 << 20)
        kept.flush()
        archives.unpack(spool, name, folder)
        os.unlink(path)
    return None


def _recipe_inside(tree: Tree, file: str | os.PathLike[str] | None) -> tuple[str, bytes]:
    """Return the path of the archive's Containerfile, and what is in it."""
    for name in NAMES if file is None else (os.fspath(file),):
        try:
            return name, _read_inside(tree, name, LONGEST)
        except OSError as error:
            if file is None and error.errno in (ENOENT, ENOTDIR):
                continue
            message = f"cannot read {quote(name)} of the archive: {cause(error.errno)}"
            raise BuildFailed(message, errno=error.errno) from None
    raise no_recipe("the archive")


def _read_inside(tree: Tree, path: str, longest: int) -> bytes:
    """Return a byte more than `longest`, by which its reader knows what is too long. Raises OSError, BuildFailed."""
    try:
        return read_inside(tree.fd, path, longest + 1)
    except OSError as error:
        if error.errno == EINVAL:
            raise BuildFailed(f"{quote(path)} of the archive is not a regular file") from None
        raise


def _place(text: bytes) -> str:
    """Return the place of a stream: it has none, but what is built from the same text may well be built again."""
    return f"-\0{sha256(text).hexdigest()}"
