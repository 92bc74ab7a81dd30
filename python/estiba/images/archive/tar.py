# SPDX-License-Identifier: Apache-2.0
"""Archives of images as a stream of members: read with limits, written the same each time.

Only what such archives are made of is read: regular files, folders, links by name. Nothing is ever extracted; a name
is a key. Layers are another matter: these the engine unpacks.
"""

from __future__ import annotations

import lzma
import posixpath
import zlib
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple, NoReturn

from estiba.errors import ArchiveInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK = 512
CHUNK = 1 << 20
MEMBERS = 100_000
"""Members that are read; an image has a few dozen."""
_EXTENSION = 1 << 20
"""Bytes of one extended header or long name."""
_PADDING = 16 << 20
"""Bytes after the end that are read, so that no writer is cut off; more is nobody's padding."""

DAMAGED = (EOFError, zlib.error, lzma.LZMAError)
"""What is raised for bytes that their compression has not made; bzip2 raises OSError."""

Kind = Literal["file", "folder", "link"]
_KINDS: dict[bytes, Kind] = {
    b"0": "file",
    b"\0": "file",
    b"7": "file",
    b"5": "folder",
    b"1": "link",
    b"2": "link",
}


class Member(NamedTuple):
    """One entry of an archive."""

    name: str
    """Normal: no "./", no "..", no slash at either end."""
    kind: Kind
    size: int
    """Bytes of a file."""
    target: str | None
    """Of a link: the member that it means, as a normal name."""


class TarReader:
    """The members of a tar stream, in order; `chunks` reads the content of the one that was yielded last."""

    def __init__(self, stream: BinaryIO) -> None:
        """Read from `stream`, which need not be seekable."""
        self._stream = stream
        self._offset = 0
        self._left = 0
        """Bytes of the current member's content that were not read yet."""
        self._padding = 0
        self._count = 0

    def __iter__(self) -> Iterator[Member]:
        """Yield each member. Raises ArchiveInvalid for what is no tar file, or one that was cut off."""
        extended: dict[str, str] = {}
        while (header := self._next_header()) is not None:
            kind = header[156:157]
            size = self._number(header[124:136])
            if kind in (b"x", b"L", b"K"):
                data = self._content(size)
                extended |= self._records(data) if kind == b"x" else _long_name(kind, data)
            elif kind in (b"g", b"V"):
                self._content(size)
            else:
                yield self._member(header, kind, size, extended)
                extended = {}
        self._drain()

    def chunks(self) -> Iterator[bytes]:
        """Yield the content of the current member."""
        while self._left:
            data = self._exactly(min(self._left, CHUNK))
            self._left -= len(data)
            yield data

    def read(self, limit: int) -> bytes:
        """Return the content of the current member. Raises ArchiveInvalid if it has more than `limit` bytes."""
        if self._left > limit:
            self._fail(f"{self._left} bytes, where at most {limit} are read at once")
        return b"".join(self.chunks())

    def _member(self, header: bytes, type_flag: bytes, size: int, extended: dict[str, str]) -> Member:
        if any(name.startswith("GNU.sparse") for name in extended) or type_flag not in _KINDS:
            self._fail(f'type "{type_flag.decode("latin-1")}": neither file, folder nor link')
        kind = _KINDS[type_flag]
        name = extended.get("path") or _header_name(header)
        target = extended.get("linkpath") or _text(header[157:257]) if kind == "link" else None
        if kind == "link" and target is not None:
            # A hard link names a member, a symbolic one a path beside itself.
            target = target if type_flag == b"1" else posixpath.join(posixpath.dirname(name), target)
        if "size" in extended:
            size = self._decimal(extended["size"])
        self._left = size if kind == "file" else 0
        self._padding = -self._left % BLOCK
        return Member(self._normal(name), kind, self._left, None if target is None else self._normal(target))

    def _next_header(self) -> bytes | None:
        """Return the next header, None at the end: a block of zeros, or of the stream at a block's edge."""
        for _ in self.chunks():
            pass
        self._exactly(self._padding)
        self._padding = 0
        header = self._read(BLOCK)
        if not header and self._count:
            return None
        if len(header) == BLOCK and not header.strip(b"\0"):
            return None
        self._count += 1
        if self._count > MEMBERS:
            self._fail(f"more than {MEMBERS} members")
        if len(header) < BLOCK:
            self._fail("the archive ends inside of a header" if self._count > 1 else "not a tar archive")
        stated = self._number(header[148:156])
        if stated != sum(header[:148]) + 8 * 32 + sum(header[156:]):
            self._fail("a header's checksum is wrong" if self._count > 1 else "not a tar archive")
        return header

    def _drain(self) -> None:
        """Read what follows the end: who writes into a pipe pads it, and a compressed stream has its checksum there."""
        for _ in range(_PADDING // CHUNK):
            if not self._read(CHUNK):
                return

    def _content(self, size: int) -> bytes:
        """Return the content of a header's extension."""
        if size > _EXTENSION:
            self._fail(f"an extended header of {size} bytes")
        data = self._exactly(size)
        self._exactly(-size % BLOCK)
        return data

    def _records(self, data: bytes) -> dict[str, str]:
        """Return the records of an extended header (pax, "pax Extended Header")."""
        records: dict[str, str] = {}
        while data:
            digits, space, rest = data.partition(b" ")
            length = self._decimal(digits.decode("latin-1")) if space else 0
            name, equals, value = data[len(digits) + 1 : length].partition(b"=")
            if not equals or not value.endswith(b"\n") or length > len(data) or not rest:
                self._fail("a damaged extended header")
            records[_utf8(name)] = _utf8(value[:-1])
            data = data[length:]
        return records

    def _number(self, field: bytes) -> int:
        """Return a header's number: octal, or base 256 as GNU writes what is too long for it."""
        if field[0] & 0x80:
            value = int.from_bytes(field, "big") - (0x80 << 8 * (len(field) - 1))
            if value < 0 or value >> 62:
                self._fail("a number that is none")
            return value
        text = field.strip(b" \0")
        if not all(0x30 <= byte <= 0x37 for byte in text):
            self._fail("a number that is none" if self._count > 1 else "not a tar archive")
        return int(text or b"0", 8)

    def _decimal(self, text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 19):
            self._fail(f'"{text[:40]}" is no size')
        return int(text)

    def _normal(self, name: str) -> str:
        normal = posixpath.normpath(name).lstrip("/")
        if len(name) > 4096 or normal.split("/")[0] == ".." or "\0" in name:
            self._fail(f'"{name[:100]}" is no name of a member')
        return normal

    def _exactly(self, size: int) -> bytes:
        data = self._read(size)
        if len(data) < size:
            self._fail("the archive ends too early")
        return data

    def _read(self, size: int) -> bytes:
        try:
            data = self._stream.read(size)
        except (OSError, *DAMAGED) as error:  # the stream's, or its compression's
            self._fail(str(error) or type(error).__name__)
        self._offset += len(data)
        return data

    def _fail(self, why: str) -> NoReturn:
        raise ArchiveInvalid(f"archive, byte {self._offset}: {why}")


def header(name: str, size: int) -> bytes:
    """Return the header of a file of `size` bytes: owned by root, of no time, so that the same is the same."""
    import tarfile

    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")


def padding(size: int) -> bytes:
    """Return what follows the content of a file of `size` bytes."""
    return b"\0" * (-size % BLOCK)


END = b"\0" * (2 * BLOCK)
"""What ends an archive."""


def _header_name(header: bytes) -> str:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return f"{prefix}/{name}" if prefix and header[257:263] == b"ustar\0" else name


def _long_name(kind: bytes, data: bytes) -> dict[str, str]:
    """Return what GNU's own headers for long names say, as if it were an extended header's."""
    return {"path" if kind == b"L" else "linkpath": _text(data)}


def _text(field: bytes) -> str:
    return _utf8(field.partition(b"\0")[0])


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
