# SPDX-License-Identifier: Apache-2.0
"""Files that survive a kill and a power cut: written aside, synced, then named; never half there under their name."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from estiba.errors import StoreError, cause

if TYPE_CHECKING:
    from collections.abc import Iterator


def replace_file(path: str, data: bytes, *, mode: int = 0o644) -> None:
    """Make `path` a file with `data`, in one step for every reader. The caller holds the lock over `path`.

    Raises StoreError.
    """
    aside = f"{path}.new"
    try:
        descriptor = os.open(
            aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, mode
        )
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.rename(aside, path)
        sync_folder(os.path.dirname(path))
    except OSError as error:
        with suppress(OSError):
            os.unlink(aside)
        raise refused("write", path, error) from error


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of `data`: write(2) may take less. Raises OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(path: str) -> None:
    """Make the names in a folder durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_file(path: str) -> int:
    """Return a descriptor to read a regular file by, which the caller closes.

    In a folder that others made the name may be a FIFO, which would make us wait, or a link that leads elsewhere.
    Raises OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def read_bounded(path: str, limit: int) -> bytes:
    """Return the content of a file of at most `limit` bytes. Raises StoreError if it has more, OSError."""
    descriptor = open_file(path)
    try:
        if os.fstat(descriptor).st_size > limit:
            raise StoreError(f'"{path}": longer than {limit} bytes')
        chunks = list(_chunks(descriptor, limit))
    finally:
        os.close(descriptor)
    return b"".join(chunks)


def _chunks(descriptor: int, limit: int) -> Iterator[bytes]:
    while limit > 0 and (chunk := os.read(descriptor, min(limit, 1 << 20))):
        limit -= len(chunk)
        yield chunk


class Lock:
    """flock(2) on a file, made if absent, or on a folder; a context. Two threads exclude each other as processes do."""

    def __init__(self, path: str, *, shared: bool = False, folder: bool = False) -> None:
        self._path = path
        self._flags = os.O_RDONLY | os.O_DIRECTORY if folder else os.O_RDWR | os.O_CREAT
        self._operation = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        self._descriptor = -1

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def take(self, *, wait: bool = True) -> bool:
        """Take the lock; without `wait` return False if another holds it. Raises StoreError."""
        try:
            self._descriptor = os.open(self._path, self._flags | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._descriptor, self._operation | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            self.release()
            return False
        except OSError as error:
            self.release()
            raise refused("lock", self._path, error) from error
        return True

    def release(self) -> None:
        """Let go. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def refused(verb: str, path: str, error: OSError) -> StoreError:
    """Return what to raise when the file system said no; a full disk has a hint of its own."""
    hint = "`muelle prune` frees what no name uses" if error.errno in (errno.ENOSPC, errno.EDQUOT) else None
    return StoreError(f'cannot {verb} "{path}": {cause(error.errno)}', errno=error.errno, hint=hint)
