# SPDX-License-Identifier: Apache-2.0
"""Layers become folders: what an archive says of an entry is what stands there afterwards."""

from __future__ import annotations

import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba import errors
from support.layers import LINK, SYMLINK, archive, digest, entry, folder, gzipped, links, node, tree, unpack

pytestmark = pytest.mark.requires("root")


def test_what_was_read_and_made_is_told(tmp_path: Path) -> None:
    tar = archive(folder("etc"), entry("etc/name", content=b"estiba\n"))
    layer = gzipped(tar)
    made = unpack(layer, tmp_path / "fs", digest=digest(layer), size=len(layer), diff_id=digest(tar))
    assert made == (digest(layer), len(layer), digest(tar), 7, 2)


def test_each_kind_of_entry_stands_there_as_it_was_written(tmp_path: Path) -> None:
    layer = archive(
        folder("a", 0o1777, uid=3, gid=4, mtime=5),
        entry("a/file", content=b"x" * 100_000, mode=0o4750, uid=1, gid=2, mtime=1_000_000_000.25),
        entry("a/link", SYMLINK, link="/no/where", uid=7, gid=8),
        entry("a/null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        entry("a/disk", tarfile.BLKTYPE, devmajor=259, devminor=70_000, mode=0o660, gid=6),
        entry("a/fifo", tarfile.FIFOTYPE, mode=0o622),
    )
    unpack(layer, tmp_path / "fs")
    assert tree(tmp_path / "fs") == {
        "a": ("folder", 0o1777, 3, 4, 5, b"", (0, 0), ()),
        "a/file": ("file", 0o4750, 1, 2, 1_000_000_000, b"x" * 100_000, (0, 0), ()),
        "a/link": ("link", 0o777, 7, 8, 1_000_000_000, b"/no/where", (0, 0), ()),
        "a/null": ("character", 0o666, 0, 0, 1_000_000_000, b"", (1, 3), ()),
        "a/disk": ("block", 0o660, 0, 6, 1_000_000_000, b"", (259, 70_000), ()),
        "a/fifo": ("fifo", 0o622, 0, 0, 1_000_000_000, b"", (0, 0), ()),
    }
    assert (tmp_path / "fs/a/file").stat().st_mtime_ns == 1_000_000_000_250_000_000


def test_the_umask_of_the_caller_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        unpack(
            archive(folder("a", 0o777), entry("a/b", mode=0o666), entry("a/c", tarfile.FIFOTYPE, mode=0o666)),
            tmp_path / "fs",
        )
    finally:
        os.umask(before)
    assert {path: made.mode for path, made in tree(tmp_path / "fs").items()} == {
        "a": 0o777,
        "a/b": 0o666,
        "a/c": 0o666,
    }


def test_hard_links_are_names_of_one_file(tmp_path: Path) -> None:
    layer = archive(
        entry("a", content=b"x"),
        entry("b", LINK, link="a"),
        entry("c", LINK, link="./b"),
        entry("s", SYMLINK, link="a"),
        entry("t", LINK, link="s"),
    )
    unpack(layer, tmp_path / "fs")
    assert links(tmp_path / "fs") == {frozenset("abc"), frozenset("st")}


def test_folders_that_no_entry_brings_are_made_as_roots_are(tmp_path: Path) -> None:
    unpack(archive(entry("a/b/c", content=b"x")), tmp_path / "fs")
    assert node(tmp_path / "fs/a/b") == ("folder", 0o755, 0, 0, 0, b"", (0, 0), ())


def test_a_folder_has_its_time_though_more_came_into_it(tmp_path: Path) -> None:
    unpack(
        archive(folder("a", mtime=5), folder("a/b", mtime=6), entry("a/b/c"), entry("a/d")), tmp_path / "fs"
    )
    assert (node(tmp_path / "fs/a").mtime, node(tmp_path / "fs/a/b").mtime) == (5, 6)


def test_the_root_takes_its_look_from_its_entry(tmp_path: Path) -> None:
    unpack(archive(folder("./", 0o750, uid=5, gid=6, mtime=7), entry("./a")), tmp_path / "fs")
    assert node(tmp_path / "fs")[:5] == ("folder", 0o750, 5, 6, 7)


def test_attributes_of_images_are_set_and_others_are_not(tmp_path: Path) -> None:
    capability = bytes.fromhex("0100000200200000000000000000000000000000")
    info, content = entry("a", content=b"x", mode=0o755, uid=1)
    info.pax_headers = {
        "SCHILY.xattr.user.note": "hello",
        "SCHILY.xattr.trusted.overlay.redirect": "/etc",
        "SCHILY.xattr.security.selinux": "system_u:object_r:bin_t:s0",
        "SCHILY.xattr.security.capability": capability.decode("latin-1"),
    }
    unpack(archive((info, content), encoding="latin-1"), tmp_path / "fs")
    assert dict(node(tmp_path / "fs/a").attributes) == {
        "user.note": b"hello",
        "security.capability": capability,
    }


@pytest.mark.parametrize("later", ["file", "folder", "link"])
@pytest.mark.parametrize("earlier", ["file", "folder", "link", "full folder"])
def test_a_later_entry_replaces_an_earlier_one(tmp_path: Path, earlier: str, later: str) -> None:
    first = {
        "file": [entry("a", content=b"old")],
        "folder": [folder("a")],
        "link": [entry("a", SYMLINK, link="elsewhere"), folder("elsewhere")],
        "full folder": [folder("a"), entry("a/b/c/d"), entry("a/e")],
    }[earlier]
    second = {
        "file": entry("a", content=b"new"),
        "folder": folder("a", 0o700),
        "link": entry("a", SYMLINK, link="there"),
    }[later]
    unpack(archive(*first, second), tmp_path / "fs")
    made = node(tmp_path / "fs/a")
    assert made.kind == later
    assert made.content == {"file": b"new", "folder": b"", "link": b"there"}[later]
    if (earlier, later) == ("full folder", "folder"):
        assert (tmp_path / "fs/a/b/c/d").exists()
    assert earlier != "link" or (tmp_path / "fs/elsewhere").is_dir()


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_layer_that_is_not_compressed_as_said_is_refused(tmp_path: Path, compression: str) -> None:
    with pytest.raises(
        errors.LayerInvalid, match=f"said to be compressed with {compression}, and is not compressed"
    ):
        unpack(archive(entry("a")), tmp_path / "fs", compression=compression)


@pytest.mark.parametrize(
    ("promise", "words"),
    [
        ({"digest": "sha256:" + "0" * 64}, "and sha256:0000"),
        ({"size": 5}, "longer than the 5 bytes"),
        ({"size": 1 << 30}, "and 1073741824 were promised"),
        ({"diff_id": "sha256:" + "0" * 64}, "unpacks to sha256:"),
    ],
)
def test_bytes_that_are_not_the_promised_ones_are_told(
    tmp_path: Path, promise: dict[str, object], words: str
) -> None:
    with pytest.raises(errors.BlobCorrupt, match=words):
        unpack(gzipped(archive(entry("a", content=b"x" * 10_000))), tmp_path / "fs", **promise)


@pytest.mark.parametrize("at", [0, 12, 300, -1])
def test_a_flipped_bit_is_a_corrupt_blob_and_not_a_bad_archive(tmp_path: Path, at: int) -> None:
    good = archive(entry("a", content=b"x" * 1000), entry("b"))
    for layer in (good, gzipped(good)):
        bad = bytearray(layer)
        bad[at % len(bad)] ^= 1
        with pytest.raises(errors.BlobCorrupt, match="was promised"):
            unpack(bytes(bad), tmp_path / "fs", digest=digest(layer))


def test_a_layer_cut_short_is_told(tmp_path: Path) -> None:
    layer = gzipped(archive(entry("a", content=os.urandom(100_000))))
    with pytest.raises(errors.BlobCorrupt, match="damaged"):
        unpack(layer[:50_000], tmp_path / "fs")
    tar = archive(entry("a", content=os.urandom(100_000)))
    with pytest.raises(errors.LayerInvalid, match='entry 1 at byte 0: "a": the archive ends in the middle'):
        unpack(tar[:50_000], tmp_path / "fs")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of one mebibyte."""
    target = tmp_path / "small"
    target.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", target], check=True)
    yield target
    subprocess.run(["umount", target], check=True)


def test_a_full_disk_is_told_with_the_entry(small: Path) -> None:
    with pytest.raises(
        errors.KernelRefused, match=r'layer, entry 2 at byte 1024: "b": cannot write it: .*ENOSPC'
    ):
        unpack(archive(entry("a", content=b"x"), entry("b", content=os.urandom(2_000_000))), small)
