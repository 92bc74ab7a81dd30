# SPDX-License-Identifier: Apache-2.0
"""Archives that ADD unpacks, compressed files that are none, and what is said of those that are damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estiba.errors import BuildFailed
from estiba.images.pack import pack_layer
from support.builds import Site


def zstd_stored(data: bytes) -> bytes:
    """Return a frame of one block that is not compressed (RFC 8878); less than 256 bytes."""
    block = (len(data) << 3 | 1).to_bytes(3, "little")
    return b"\x28\xb5\x2f\xfd\x20" + bytes([len(data)]) + block + data


def tar_of(name: str, content: bytes) -> bytes:
    """Return a tar of one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.fixture
def site(folder: Path, prepared: Path) -> Iterator[Site]:
    """A place to build at."""
    yield Site(folder, prepared)


@pytest.mark.parametrize("kind", [*COMPRESSED, "zst"])
def test_a_lone_compressed_file_is_copied_as_it_is(site: Site, kind: str) -> None:
    data = COMPRESSED.get(kind, zstd_stored)(b"text that is no tar")
    (site.context / f"file.{kind}").write_bytes(data)
    files = site.files(site.build(f"ADD file.{kind} /to/\n"))
    assert files[f"to/file.{kind}"].st_size == len(data)


@pytest.mark.parametrize("kind", COMPRESSED)
def test_an_archive_is_unpacked_however_it_is_compressed(site: Site, kind: str) -> None:
    (site.context / "a").write_bytes(COMPRESSED[kind](tar_of("inside", b"x" * 100_000)))
    files = site.files(site.build("ADD a /to/\n"))
    assert files["to/inside"].st_size == 100_000
    assert "to/a" not in files


def test_an_archive_of_zstd_is_unpacked(site: Site, folder: Path) -> None:
    (folder / "tree").mkdir()
    (folder / "tree" / "inside").write_text("text")
    tree = os.open(folder / "tree", os.O_RDONLY)
    with open(site.context / "a.tar.zst", "wb") as out:
        pack_layer(tree, out.fileno(), source="tree", compression="zstd")
    os.close(tree)
    files = site.files(site.build("ADD a.tar.zst /to/\n"))
    assert "to/inside" in files and "to/a.tar.zst" not in files


@pytest.mark.parametrize(
    "head", [b"\xfd7zXZ\0", b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\x1f\x8b\x08" + b"\0" * 7]
)
def test_what_only_begins_like_a_compressed_file_is_copied_as_it_is(site: Site, head: bytes) -> None:
    (site.context / "file").write_bytes(head + b"\xff" * 1000)
    assert site.files(site.build("ADD file /to/\n"))["to/file"].st_size == len(head) + 1000


@pytest.mark.parametrize("kind", COMPRESSED)
@pytest.mark.parametrize("how", ["flipped", "cut"])
def test_a_damaged_archive_is_told_with_its_name(site: Site, kind: str, how: str) -> None:
    whole = bytearray(COMPRESSED[kind](tar_of("inside", os.urandom(3 << 20))))
    if how == "cut":
        del whole[-1 << 20 :]
    else:
        whole[2 << 20] ^= 0xFF
    (site.context / "a").write_bytes(whole)
    with pytest.raises(BuildFailed) as caught:
        site.build("ADD a /to/\n")
    assert caught.value.message.startswith('Containerfile:4: ADD a /to/: the archive "a": ')
    assert "damaged" in caught.value.message
