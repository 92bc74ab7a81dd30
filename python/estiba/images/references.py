# SPDX-License-Identifier: Apache-2.0
"""References with a memory: each has a log, one line a move, which is synced before the layout's index changes.

    references/NAME.log    NAME is the canonical reference, percent-encoded
    references/.pending    stands while log and index may differ; who finds it makes the index again from the logs
    references/.lock       held by who changes either

The last record of a log is what counts; index.json repeats it for other tools, and for looking at all at once.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from estiba.errors import ImageNotFound, ReferenceInvalid, StoreError
from estiba.images import record
from estiba.images.durable import Lock, read_bounded, refused, sync_folder, write_all
from estiba.images.manifest import REFERENCE_NAME, Descriptor
from estiba.images.record import Record, Verb
from estiba.images.reference import Reference
from estiba.images.reference import parse as parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.layout import Layout

_END = ".log"
_LIMIT = 64 << 20
"""Bytes of a log that are read: at 300 a record these are 200,000 moves."""
_TAIL = 4096
"""Bytes from a log's end that surely hold its last record."""
_LONGEST_WHO = 64
"""Characters: a user's name, which the environment says (SUDO_USER), does not fill the tail."""
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")


class References:
    """The references of one store. Each call sees what any process did before it."""

    def __init__(self, folder: str, layout: Layout) -> None:
        self._folder, self._layout = folder, layout
        self._lock, self._pending = os.path.join(folder, ".lock"), os.path.join(folder, ".pending")

    def get(self, reference: Reference) -> Descriptor | None:
        """Return what `reference` names, or None. A digest in the reference is not looked at."""
        last = self._last(reference)
        return last.descriptor if last else None

    def move(
        self, reference: Reference, descriptor: Descriptor, *, verb: Verb, who: str | None = None
    ) -> Record:
        """Let `reference` name `descriptor`, whose blobs are here already; return the record.

        Naming what it names already changes and writes nothing. Raises StoreError, ReferenceInvalid for a name
        that is too long for a file.
        """
        reference = _loose(reference)
        with self._locked():
            last = self._last(reference)
            if last and last.after == descriptor.digest:
                return last
            return self._append(reference, descriptor, verb, who, 1 + self._highest(reference))

    def return_to(self, reference: Reference, version: Record, *, who: str | None = None) -> Record:
        """Let `reference` name an earlier or later version of itself again, under that version's number."""
        if version.descriptor is None:
            raise StoreError(f'"{reference.familiar}": version {version.version} names no image')
        reference = _loose(reference)
        with self._locked():
            return self._append(reference, version.descriptor, "rollback", who, version.version)

    def remove(self, reference: Reference, *, who: str | None = None) -> Record:
        """Let `reference` name nothing; its log stays. Raises ImageNotFound if it named nothing."""
        reference = _loose(reference)
        with self._locked():
            last = self._last(reference)
            if last is None or last.after is None:
                raise ImageNotFound(f'"{reference.familiar}" names no image')
            return self._append(reference, None, "untag", who, last.version)

    def forget(self, reference: Reference) -> None:
        """Remove the log of a reference that names nothing. Raises StoreError if it names an image."""
        with self._locked():
            last = self._last(reference)
            if last and last.after is not None:
                raise StoreError(f'"{reference.familiar}" names an image: its log is kept')
            try:
                os.unlink(self._path(reference))
            except FileNotFoundError:
                return

    def keep(self, descriptor: Descriptor) -> None:
        """Note an image that has no name, so that it is seen and not swept; nothing if it is noted already."""
        with self._locked():
            entries = self._layout.read()
            if all(one.digest != descriptor.digest or REFERENCE_NAME in one.annotations for one in entries):
                self._layout.replace([*entries, descriptor._replace(annotations={})])

    def drop(self, digest: str) -> None:
        """Forget the note of an image without a name."""
        with self._locked():
            entries = self._layout.read()
            kept = [one for one in entries if one.digest != digest or REFERENCE_NAME in one.annotations]
            if len(kept) != len(entries):
                self._layout.replace(kept)

    def log(self, reference: Reference) -> list[Record]:
        """Return every move of `reference`, oldest first; [] if it never named anything. Raises StoreError."""
        records = [record.parse_line(line) for line in self._lines(reference)]
        return [one for one in records if one]

    def damaged(self, reference: Reference) -> int:
        """Return how many lines of a log cannot be read."""
        return sum(record.parse_line(line) is None for line in self._lines(reference))

    def iterate(self) -> Iterator[tuple[Reference, Descriptor]]:
        """Yield each reference that names an image, sorted, and what it names."""
        entries = [one for one in self._layout.read() if one.annotations]
        named = [(parse_reference(one.annotations[REFERENCE_NAME]), one) for one in entries]
        for reference, descriptor in sorted(named, key=lambda each: each[0].order):
            yield reference, descriptor._replace(annotations={})

    def nameless(self) -> list[Descriptor]:
        """Return the images that were kept without a name."""
        return [one for one in self._layout.read() if REFERENCE_NAME not in one.annotations]

    def logged(self) -> list[Reference]:
        """Return each reference that has a log, sorted: also those that name nothing any more."""
        names = [name for name in os.listdir(self._folder) if name.endswith(_END)]
        found = [parse_reference(_decode(name.removesuffix(_END))) for name in names]
        return sorted(found, key=lambda reference: reference.order)

    def repair(self, *, force: bool = False) -> bool:
        """Make the index again from the logs if a move was cut short, or by `force`; return whether it differed."""
        if not force and not os.path.exists(self._pending):
            return False
        with Lock(self._lock):
            return self._make_index()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock; what a killed process left half-done is mended first."""
        with Lock(self._lock):
            if os.path.exists(self._pending):
                self._make_index()
            yield

    def differs(self) -> bool:
        """Return whether the index says something else than the logs; while another moves a name it may."""
        return _is_other(self._layout.read(), self._index_of_logs())

    def _make_index(self) -> bool:
        before, after = self._layout.read(), self._index_of_logs()
        if differs := _is_other(before, after):
            self._layout.replace(after)
        self._unmark()
        return differs

    def _index_of_logs(self) -> list[Descriptor]:
        entries = [(one, self.get(one)) for one in self.logged()]
        named = [_named(reference, one) for reference, one in entries if one]
        return [*self.nameless(), *named]

    def _append(
        self, reference: Reference, descriptor: Descriptor | None, verb: Verb, who: str | None, version: int
    ) -> Record:
        """Write one more record, then the index. The lock is held."""
        before = self._last(reference)
        new = Record(
            record.now(),
            before.after if before else None,
            descriptor.digest if descriptor else None,
            verb,
            (who or record.who())[:_LONGEST_WHO],
            version,
            descriptor.media_type if descriptor else None,
            descriptor.size if descriptor else None,
        )
        path = self._path(reference)
        size = os.path.getsize(path) if os.path.exists(path) else None
        try:
            self._mark()
            _append_line(path, new.to_line())
            if before is None:
                sync_folder(self._folder)
            name = str(reference)
            others = [one for one in self._layout.read() if one.annotations.get(REFERENCE_NAME) != name]
            self._layout.replace([*others, _named(reference, descriptor)] if descriptor else others)
            self._unmark()
        except (OSError, StoreError) as error:
            with suppress(OSError):
                _take_back(path, size)
                self._unmark()
            if isinstance(error, StoreError):
                raise
            raise refused("write", path, error) from error
        return new

    def _last(self, reference: Reference) -> Record | None:
        """Return the last whole record of a log, or None."""
        try:
            descriptor = os.open(self._path(reference), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            size = os.fstat(descriptor).st_size
            tail = os.pread(descriptor, _TAIL, max(0, size - _TAIL))
        finally:
            os.close(descriptor)
        records = (record.parse_line(line) for line in reversed(tail.split(b"\n")) if line)
        return next((one for one in records if one), None)

    def _lines(self, reference: Reference) -> list[bytes]:
        try:
            data = read_bounded(self._path(reference), _LIMIT)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise refused("read", self._path(reference), error) from error
        return [line for line in data.split(b"\n") if line]

    def _highest(self, reference: Reference) -> int:
        return max((one.version for one in self.log(reference)), default=0)

    def _path(self, reference: Reference) -> str:
        name = _encode(str(_loose(reference))) + _END
        if len(name) > 255:
            raise ReferenceInvalid(f'reference "{reference.familiar}": too long for the name of a file')
        return os.path.join(self._folder, name)

    def _mark(self) -> None:
        os.close(os.open(self._pending, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        sync_folder(self._folder)

    def _unmark(self) -> None:
        if os.path.exists(self._pending):
            os.unlink(self._pending)


def _loose(reference: Reference) -> Reference:
    """Return the reference that is moved: of a tag that is pinned to a digest, the tag."""
    return reference._replace(digest=None) if reference.tag else reference


def _named(reference: Reference, descriptor: Descriptor) -> Descriptor:
    return descriptor._replace(annotations={REFERENCE_NAME: str(reference)})


def _is_other(before: list[Descriptor], after: list[Descriptor]) -> bool:
    return sorted(map(str, before)) != sorted(map(str, after))


def _append_line(path: str, line: bytes) -> None:
    """Append to a log; a half-written last line, left by a power cut, is ended first. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line
        write_all(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_back(path: str, size: int | None) -> None:
    """Cut a log to what it was before the index could not follow: on a full disk, say. Raises OSError."""
    if size is None:
        os.unlink(path)
        return
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(text: str) -> str:
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in text.encode())


def _decode(name: str) -> str:
    first, *others = name.split("%")
    try:
        return first + "".join(chr(int(part[:2], 16)) + part[2:] for part in others)
    except ValueError:
        raise StoreError(f"references/{name}{_END}: not a name that a store gives") from None
