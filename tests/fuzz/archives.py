# SPDX-License-Identifier: Apache-2.0
"""Small archives of every kind, for the fuzzer to begin with.

Each stands behind a byte, which says in what pieces the archive comes and, by its lowest bit, that sums are mended.
"""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

WORDS = (
    *(b"path=", b"linkpath=", b"size=", b"uid=", b"gid=", b"mtime=", b"SCHILY.xattr.user.a=", b"ustar\x0000"),
    *(b"GNU.sparse.major=1\n", b"GNU.sparse.minor=0\n", b"GNU.sparse.map=0,1,9,1\n", b"GNU.sparse.name=a\n"),
    *(
        b"GNU.sparse.realsize=9\n",
        b"GNU.sparse.numblocks=1\n",
        b"GNU.sparse.offset=0\n",
        b"GNU.sparse.size=9\n",
    ),
    b"ustar  \0",
)
KINDS = (b"0", b"1", b"2", b"3", b"4", b"5", b"6", b"7", b"x", b"g", b"L", b"K", b"S", b"\0")


def seeds() -> Iterator[bytes]:
    """Give archives by Python's tarfile and by GNU tar, in every format that either writes."""
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        for kind in KINDS:
            yield b"\x41" + _one(form, kind, "folder/name")
        yield b"\x03" + _one(form, b"0", "long/" * 18 + "name")
    with tempfile.TemporaryDirectory() as name:
        sparse = Path(name) / "sparse"
        with sparse.open("wb") as file:
            file.seek(70_000)
            file.write(b"data")
            file.truncate(200_000)
        for form in ("--format=gnu", "--format=pax", "--sparse-version=0.0", "--sparse-version=0.1"):
            words = [
                "tar",
                "-C",
                name,
                "-S",
                *([form] if "gnu" in form else ["--format=pax", form]),
                "-cf",
                "-",
                "sparse",
            ]
            yield b"\x41" + subprocess.run(words, check=True, capture_output=True).stdout


def _one(form: int, kind: bytes, name: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        entry = tarfile.TarInfo(name)
        entry.type = kind
        entry.size = 5 if kind in (b"0", b"7", b"\0") else 0
        entry.linkname = "target" if kind in (b"1", b"2") else ""
        if form == tarfile.PAX_FORMAT:
            entry.pax_headers = {"SCHILY.xattr.user.a": "value", "mtime": "1.5"}
        archive.addfile(entry, io.BytesIO(b"data\n"))
    return out.getvalue()
