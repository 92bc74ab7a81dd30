# SPDX-License-Identifier: Apache-2.0
"""Where load and import read from: a file, whose name stands before what is wrong with it, or standard input."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from estiba.errors import ArchiveInvalid, ArgumentInvalid, BlobCorrupt, LayerInvalid, ManifestInvalid, cause
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = 0


@contextmanager
def read(verb: str, path: str | None, *, hint: str) -> Iterator[int]:
    """Give a descriptor to read a file by, or standard input, which is no terminal; `hint` names another way.

    Raises ArgumentInvalid, and what the reader raises.
    """
    if path is None:
        if os.isatty(STDIN):
            raise ArgumentInvalid(f"{verb}: an archive cannot be typed", hint=hint)
        yield STDIN
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ArgumentInvalid(f"{verb}: {quote(path)}: {cause(error.errno)}") from None
    try:
        yield descriptor
    except (ArchiveInvalid, BlobCorrupt, LayerInvalid, ManifestInvalid) as error:
        message = f"{quote(path)}: {error.message}"
        raise type(error)(message, errno=error.errno, hint=error.hint) from error
    finally:
        os.close(descriptor)
