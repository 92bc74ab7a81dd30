# SPDX-License-Identifier: Apache-2.0
"""Where save and export write: a file that gets its name when it is whole; standard output, a FIFO, a device as it is."""

from __future__ import annotations

import os
import stat
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
    place = os.path.realpath(target)
    aside = None if is_no_file(target) else f"{place}.part"
    flags = os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW if aside else 0
    try:
        descriptor = os.open(aside or target, os.O_WRONLY | os.O_CLOEXEC | flags, 0o666)
    except OSError as error:
        raise ArgumentInvalid(f"{verb}: {quote(target)}: {cause(error.errno)}") from None
    try:
        yield descriptor
        if aside:
            os.fsync(descriptor)
            os.rename(aside, place)
    except BaseException:
        if aside:
            os.unlink(aside)
        raise
    finally:
        os.close(descriptor)


def is_no_file(target: str) -> bool:
    """Return whether something stands there that must not be replaced: a device, a FIFO, a folder."""
    try:
        return not stat.S_ISREG(os.stat(target).st_mode)
    except OSError:
        return False
