# SPDX-License-Identifier: Apache-2.0
"""The blobs of an OCI image layout: the only module that touches them on disk.

A blob is written into a file without a name (O_TMPFILE), hashed meanwhile, synced and then linked under its digest:
a kill leaves nothing behind, and a name means that the bytes were right and durable.
"""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EISDIR, ENOENT, EOPNOTSUPP
from typing import TYPE_CHECKING, Self

from estiba.errors import BlobCorrupt, BlobNotFound, StoreError
from estiba.images import digest as digests
from estiba.images.durable import open_file, refused, sync_folder, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCUMENT_LIMIT = 4 << 20
"""Bytes that a manifest, an index or a config may have; what registries take (distribution-spec "Pushing Manifests")."""


class Blobs:
    """The folder `blobs` of an image layout. Holds no lock and no descriptor; any number may look at one folder."""

    def __init__(self, folder: str) -> None:
        self._folder = os.path.join(folder, "sha256")

    def create(self) -> None:
        """Make the folders. Raises OSError."""
        os.makedirs(self._folder, exist_ok=True)

    def path(self, digest: str) -> str:
        """Return where the blob is, or would be. Raises ReferenceInvalid for what is no digest."""
        return os.path.join(self._folder, digests.hex_of(digest))

    def has(self, digest: str) -> bool:
        """Return whether the blob is here; its bytes are not read."""
        return os.path.exists(self.path(digest))

    def size(self, digest: str) -> int:
        """Return the blob's length in bytes. Raises BlobNotFound."""
        try:
            return os.stat(self.path(digest)).st_size
        except FileNotFoundError:
            raise _absent(digest) from None

    def open(self, digest: str) -> int:
        """Return a descriptor to read the blob by; the caller owns it and verifies what it reads.

        Raises BlobNotFound, StoreError.
        """
        try:
            return open_file(self.path(digest))
        except FileNotFoundError:
            raise _absent(digest) from None
        except OSError as error:
            raise refused("read", self.path(digest), error) from error

    def read(self, digest: str, *, limit: int = DOCUMENT_LIMIT) -> bytes:
        """Return the blob, verified. Raises BlobNotFound, BlobCorrupt, also if it has more than `limit` bytes."""
        size = self.size(digest)
        if size > limit:
            raise BlobCorrupt(f"blob {digest}: {size} bytes, where at most {limit} are read at once")
        descriptor = self.open(digest)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(limit + 1)
        if (found := digests.of_bytes(data)) != digest:
            raise BlobCorrupt(
                f"blob {digest}: its bytes are {found}", hint="`muelle fsck` finds all that are damaged"
            )
        return data

    def found(self, digest: str) -> str:
        """Read the whole blob; return what its digest is now. Raises BlobNotFound, StoreError."""
        from hashlib import file_digest

        with os.fdopen(self.open(digest), "rb") as file:
            return digests.PREFIX + file_digest(file, "sha256").hexdigest()

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest; a blob that is here already is left as it is. Raises StoreError."""
        digest = digests.of_bytes(data)
        if not self.has(digest):
            with self.writer(expected=digest, size=len(data)) as writer:
                writer.write(data)
                writer.commit()
        return digest

    def writer(
        self, *, expected: str | None = None, size: int | None = None, limit: int | None = None
    ) -> BlobWriter:
        """Return a writer for a blob whose digest or size may be known; `limit`: refuse more bytes than these."""
        return BlobWriter(self._folder, self.path, expected=expected, size=size, limit=limit)

    def sync_names(self) -> None:
        """Make durable what `commit(is_synced=True)` has named. Raises OSError."""
        sync_folder(self._folder)

    def remove(self, digest: str) -> int:
        """Remove a blob and return the bytes that it had; 0 if it was gone. Raises StoreError."""
        path = self.path(digest)
        try:
            size = os.stat(path).st_size
            os.unlink(path)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise refused("remove", path, error) from error
        return size

    def iterate(self) -> Iterator[str]:
        """Yield the digest of each blob that is here, in no order."""
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if digests.is_digest(name := digests.PREFIX + entry.name):
                    yield name


class BlobWriter:
    """Takes the bytes of one blob; a context that forgets them unless `commit` was called.

    Either `write` them here, or hand `fileno()` to who writes and hashes them, and `commit(digest)` what they are.
    """

    def __init__(
        self,
        folder: str,
        path: Callable[[str], str],
        *,
        expected: str | None,
        size: int | None,
        limit: int | None,
    ) -> None:
        from hashlib import sha256

        self._folder, self._path = folder, path
        self._expected, self._size = expected, size
        self._limit = size if size is not None else limit
        self._hash = sha256()
        self.written = 0
        """How many bytes `write` has taken."""
        self._descriptor, self._aside = _half_made(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fileno(self) -> int:
        """The file's descriptor, owned by the writer."""
        return self._descriptor

    def write(self, data: bytes | memoryview) -> None:
        """Append `data`. Raises BlobCorrupt when there are more bytes than expected, StoreError."""
        self.written += len(data)
        if self._limit is not None and self.written > self._limit:
            raise BlobCorrupt(f"{self._name()}: longer than {self._limit} bytes")
        self._hash.update(data)
        try:
            write_all(self._descriptor, data)
        except OSError as error:
            raise refused("write a blob to", self._folder, error) from error

    def hasten(self) -> None:
        """Let the bytes begin their way to the disk, for who syncs them later (mm/fadvise.c, POSIX_FADV_DONTNEED)."""
        os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def commit(self, digest: str | None = None, *, is_synced: bool = False) -> str:
        """Sync the bytes, give them their name, return their digest.

        `is_synced`: the caller has synced the file since the last byte, and syncs the names by `Blobs.sync_names`.

        `digest` is what another hashed who wrote to `fileno()`; else it is that of what `write` took, and is held
        against what was expected. Raises BlobCorrupt, StoreError.
        """
        found = digest or digests.PREFIX + self._hash.hexdigest()
        if digest is None and self._size is not None and self.written != self._size:
            raise BlobCorrupt(f"{self._name()}: {self.written} bytes, where {self._size} were promised")
        if self._expected is not None and found != self._expected:
            raise BlobCorrupt(f"{self._name()}: its bytes are {found}")
        try:
            self._name_it(self._path(found), is_synced=is_synced)
        except OSError as error:
            raise refused("write a blob to", self._folder, error) from error
        self.close()
        return found

    def close(self) -> None:
        """Forget what was not committed. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if self._aside is not None:
            os.unlink(self._aside)
            self._aside = None

    def _name_it(self, path: str, *, is_synced: bool) -> None:
        os.fchmod(self._descriptor, 0o644)
        if not is_synced:
            os.fsync(self._descriptor)
        source = self._aside or f"/proc/self/fd/{self._descriptor}"
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            # With a descriptor given, Python calls linkat(2), which alone can follow the link in /proc.
            with suppress(FileExistsError):  # another process was faster, with the same bytes
                os.link(source, path, src_dir_fd=folder, follow_symlinks=self._aside is None)
            if not is_synced:
                os.fsync(folder)
        finally:
            os.close(folder)

    def _name(self) -> str:
        return f"blob {self._expected}" if self._expected else "blob"


def _half_made(folder: str) -> tuple[int, str | None]:
    """Return a file without a name, or, where the file system has none (NFS, old FUSE), one with a name to remove."""
    flags = os.O_RDWR | os.O_CLOEXEC
    try:
        return os.open(folder, flags | os.O_TMPFILE, 0o600), None
    except OSError as error:
        if error.errno == ENOENT:
            raise StoreError(
                f'"{folder}" is absent', errno=ENOENT, hint="is this an image layout?"
            ) from error
        if error.errno not in (EOPNOTSUPP, EISDIR):
            raise refused("write a blob to", folder, error) from error
    aside = os.path.join(folder, f".{os.getpid()}-{os.urandom(8).hex()}")
    return os.open(aside, flags | os.O_CREAT | os.O_EXCL, 0o600), aside


def _absent(digest: str) -> BlobNotFound:
    return BlobNotFound(f"blob {digest} is absent", hint="`muelle fsck` says which images need it")
