# SPDX-License-Identifier: Apache-2.0
"""Where save and export write: a file that gets its name when it is whole, or standard output."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid, cause
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def written(verb: str, target: str | None) -> Iterator[int]:
    """Give a descriptor to write an archive to; what fails leaves what was there before. Raises ArgumentInvalid."""
    if target is None:
        if os.isatty(1):
            hint = "name a file by --output"
            raise ArgumentInvalid(f"{verb}: an archive is not for a terminal", hint=hint)
        yield 1
        return
    path = f"{target}.part"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise ArgumentInvalid(f"{verb}: {quote(target)}: {cause(error.errno)}") from None
    try:
        yield descriptor
        os.fsync(descriptor)
        os.rename(path, target)
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)
