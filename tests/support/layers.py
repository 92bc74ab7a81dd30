# SPDX-License-Identifier: Apache-2.0
"""Layers for tests: archives written entry by entry, unpacked and packed in folders, and what a tree holds."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

from estiba.images.pack import Packed, pack_layer
from estiba.images.unpack import Unpacked, unpack_layer

FOLDER, FILE, LINK, SYMLINK = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE


def entry(
    name: str,
    kind: bytes = FILE,
    content: bytes = b"",
    *,
    link: str = "",
    mode: int = 0o644,
    mtime: float = 1_000_000_000,
    **more: Any,
) -> tuple[tarfile.TarInfo, bytes]:
    """Return an archive's entry; `more` are attributes of TarInfo."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = kind, link, mode, mtime
    info.size = len(content)
    for key, value in more.items():
        setattr(info, key, value)
    return info, content


def folder(name: str, mode: int = 0o755, **more: Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return a folder's entry."""
    return entry(name, FOLDER, mode=mode, **more)


def archive(*entries: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT, **more: Any) -> bytes:
    """Return a tar of these entries, as Python writes it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=format, **more) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def header(name: bytes, kind: bytes = b"0", size: int | bytes = 0, **fields: bytes) -> bytes:
    """Return a raw ustar header with a right checksum; `fields` are written as they are."""
    block = bytearray(512)
    number = size if isinstance(size, bytes) else b"%011o\0" % size
    places = {
        "name": (0, name),
        "mode": (100, b"0000644\0"),
        "uid": (108, b"0000000\0"),
        "gid": (116, b"0000000\0"),
        "size": (124, number),
        "mtime": (136, b"00000000000\0"),
        "kind": (156, kind),
        "link": (157, b""),
        "magic": (257, b"ustar\x0000"),
        "major": (329, b"0000000\0"),
        "minor": (337, b"0000000\0"),
        "prefix": (345, b""),
    }
    for key, (at, value) in places.items():
        written = fields.get(key, value)
        block[at : at + len(written)] = written
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(content: bytes) -> bytes:
    """Return content and what fills its last block."""
    return content + bytes(-len(content) % 512)


def pax(**records: str | bytes) -> bytes:
    """Return an extended header; a key's `__` is a dot."""
    text = b"".join(record(key.replace("__", "."), value) for key, value in records.items())
    return header(b"PaxHeaders/0", b"x", len(text)) + padded(text)


def record(key: str, value: str | bytes) -> bytes:
    """Return one record of an extended header."""
    rest = b" " + key.encode() + b"=" + (value if isinstance(value, bytes) else value.encode()) + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


END = bytes(1024)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Hold a folder open."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def unpack(layer: bytes, target: Path, **how: Any) -> Unpacked:
    """Unpack bytes into a folder, which is made if it is not there."""
    target.mkdir(exist_ok=True)
    source = os.memfd_create("layer")
    try:
        with open(source, "wb", closefd=False) as file:
            file.write(layer)
        os.lseek(source, 0, os.SEEK_SET)
        with opened(target) as into:
            return unpack_layer(source, into, **how)
    finally:
        os.close(source)


def pack(tree: Path, **how: Any) -> tuple[bytes, Packed]:
    """Pack a folder; return the layer's bytes and what was said of them."""
    out = os.memfd_create("layer")
    try:
        how = {"source": "tree", "compression": "none", **how}
        with opened(tree) as folder:
            made = pack_layer(folder, out, **how)
        os.lseek(out, 0, os.SEEK_SET)
        with open(out, "rb", closefd=False) as file:
            return file.read(), made
    finally:
        os.close(out)


class Node(NamedTuple):
    """What an inode is, as far as a layer can say it."""

    kind: Literal["file", "folder", "link", "character", "block", "fifo"]
    mode: int
    uid: int
    gid: int
    mtime: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)
    attributes: tuple[tuple[str, bytes], ...] = ()


KINDS: dict[int, Any] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}


def node(path: Path) -> Node:
    """Return what stands at a path."""
    found = path.lstat()
    kind = KINDS[stat.S_IFMT(found.st_mode)]
    content = b""
    if kind == "file":
        content = path.read_bytes()
    elif kind == "link":
        content = os.readlink(os.fsencode(path))
    device = (os.major(found.st_rdev), os.minor(found.st_rdev)) if kind in ("character", "block") else (0, 0)
    names = sorted(os.listxattr(path, follow_symlinks=False))
    attributes = tuple((name, os.getxattr(path, name, follow_symlinks=False)) for name in names)
    mode = stat.S_IMODE(found.st_mode)
    seconds = found.st_mtime_ns // 1_000_000_000
    return Node(kind, mode, found.st_uid, found.st_gid, seconds, content, device, attributes)


def tree(root: Path) -> dict[str, Node]:
    """Return all that is below a folder, by path."""
    return {str(path.relative_to(root)): node(path) for path in sorted(root.rglob("*"))}


def names(root: Path) -> set[str]:
    """Return the paths below a folder."""
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def links(root: Path) -> set[frozenset[str]]:
    """Return the names that share an inode."""
    found: dict[int, set[str]] = {}
    for path in root.rglob("*"):
        if not path.is_dir() or path.is_symlink():
            found.setdefault(path.lstat().st_ino, set()).add(str(path.relative_to(root)))
    return {frozenset(group) for group in found.values() if len(group) > 1}


def entries(layer: bytes) -> list[tarfile.TarInfo]:
    """Return what Python reads out of a layer."""
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return tar.getmembers()


def digest(content: bytes) -> str:
    """Return the digest as images write it."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def gzipped(tar: bytes) -> bytes:
    """Return bytes as gzip writes them."""
    return gzip.compress(tar, mtime=0)
