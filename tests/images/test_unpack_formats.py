# SPDX-License-Identifier: Apache-2.0
"""Formats of tar: what GNU tar and Python write is read as they read it themselves."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from support.layers import (
    END,
    SYMLINK,
    archive,
    entry,
    folder,
    gzipped,
    header,
    links,
    node,
    padded,
    pax,
    tree,
    unpack,
)

pytestmark = pytest.mark.requires("root")


@pytest.fixture
def furnished(root: Path) -> Path:
    """A tree whose names, times and owners fit into the oldest of the formats."""
    (root / "a/b").mkdir(parents=True)
    (root / "a/b/file").write_bytes(os.urandom(70_000))
    (root / "a/empty").touch()
    (root / "a/name").hardlink_to(root / "a/b/file")
    (root / "link").symlink_to("a/b/file")
    os.chown(root / "a/empty", 1000, 2000)
    (root / "a/b").chmod(0o2751)
    for path in root.rglob("*"):
        os.utime(path, (0, 1_234_567_890), follow_symlinks=False)
    return root


def gnu_tar(tree: Path, *options: str) -> bytes:
    """Return what GNU tar writes of a folder."""
    return subprocess.run(["tar", "-c", *options, "-C", tree, "."], capture_output=True, check=True).stdout


@pytest.mark.parametrize("format", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_what_gnu_tar_wrote_comes_out(furnished: Path, tmp_path: Path, format: str) -> None:
    unpack(gnu_tar(furnished, f"--format={format}"), tmp_path / "fs")
    assert tree(tmp_path / "fs") == tree(furnished)
    assert links(tmp_path / "fs") == {frozenset({"a/name", "a/b/file"})}


@pytest.mark.parametrize("format", ["gnu", "posix"])
def test_names_longer_than_a_header_come_out(root: Path, tmp_path: Path, format: str) -> None:
    for length in (99, 100, 101, 155, 156, 250):
        (root / ("x" * length)).symlink_to("y" * length)
    deep = root / "/".join(["d" * 90] * 8)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"deep")
    (deep / "name").hardlink_to(deep / "file")
    unpack(gnu_tar(root, f"--format={format}"), tmp_path / "fs")
    assert tree(tmp_path / "fs") == tree(root)
    assert links(tmp_path / "fs") == links(root)


def test_a_name_in_two_parts_comes_out(root: Path, tmp_path: Path) -> None:
    folder = root / ("d" * 70) / ("d" * 70)
    folder.mkdir(parents=True)
    (folder / ("f" * 90)).touch()
    unpack(gnu_tar(root, "--format=ustar"), tmp_path / "fs")
    assert tree(tmp_path / "fs") == tree(root)


SPARSE = [
    ["--format=gnu"],
    *[["--format=posix", f"--sparse-version={version}"] for version in ("0.0", "0.1", "1.0")],
]


@pytest.mark.parametrize("options", SPARSE, ids=[options[-1].split("=")[1] for options in SPARSE])
def test_sparse_files_keep_their_holes(root: Path, tmp_path: Path, options: list[str]) -> None:
    for name, extents in {"a": 1, "b": 3, "c": 60, "holes": 0}.items():
        with (root / name).open("wb") as file:
            for number in range(extents):
                file.seek((2 * number + 1) << 18)
                file.write(os.urandom(5000))
            file.truncate(40 << 20)
    made = unpack(gnu_tar(root, "--sparse", *options), tmp_path / "fs")
    assert made.bytes == 4 * (40 << 20)
    for path in root.iterdir():
        again = tmp_path / "fs" / path.name
        assert again.read_bytes() == path.read_bytes()
        assert again.stat().st_blocks <= path.stat().st_blocks + 8


def test_times_have_nanoseconds(tmp_path: Path) -> None:
    layer = b"".join(
        pax(mtime=time) + header(name)
        for name, time in ((b"a", "12.000000001"), (b"b", "-0.5"), (b"c", "1e0".replace("e0", "")))
    )
    unpack(layer + END, tmp_path / "fs")
    assert [(tmp_path / "fs" / name).stat().st_mtime_ns for name in "abc"] == [
        12_000_000_001,
        -500_000_000,
        1_000_000_000,
    ]


def test_numbers_beyond_octal_come_out(tmp_path: Path) -> None:
    info, content = entry("gnu", uid=3_000_000_000, gid=3_000_000_001, mtime=-5)
    unpack(archive((info, content), format=tarfile.GNU_FORMAT), tmp_path / "fs")
    info.name = "pax"
    unpack(archive((info, content)), tmp_path / "fs")
    for name in ("gnu", "pax"):
        made = node(tmp_path / "fs" / name)
        assert (made.uid, made.gid, made.mtime) == (3_000_000_000, 3_000_000_001, -5)


def test_an_extended_header_wins_over_the_header(tmp_path: Path) -> None:
    layer = pax(path="long", uid="7", mtime="9", linkpath="there") + header(b"short", b"2", link=b"here")
    unpack(layer + END, tmp_path / "fs")
    assert list(tree(tmp_path / "fs")) == ["long"]
    made = node(tmp_path / "fs/long")
    assert (made.uid, made.mtime, made.content) == (7, 9, b"there")


def test_a_header_of_v7_knows_folders_by_their_slash(tmp_path: Path) -> None:
    unpack(
        header(b"a/", b"\0", magic=b"\0" * 8) + header(b"a/b", b"\0", 1, magic=b"\0" * 8) + padded(b"x"),
        tmp_path / "fs",
    )
    assert {path: made.kind for path, made in tree(tmp_path / "fs").items()} == {"a": "folder", "a/b": "file"}


@pytest.mark.parametrize("end", [b"", bytes(512), END, bytes(10240), END + b"what tar leaves behind"])
def test_an_archive_may_end_as_tools_end_it(tmp_path: Path, end: bytes) -> None:
    made = unpack(header(b"a", size=1) + padded(b"x") + end, tmp_path / "fs")
    assert made.entries == 1


def test_an_empty_layer_is_one(tmp_path: Path) -> None:
    for layer in (b"", END, gzipped(END), gzipped(b"")):
        assert unpack(layer, tmp_path / "fs")[3:] == (0, 0)


def test_a_comment_for_all_entries_changes_none(tmp_path: Path) -> None:
    """As git archive writes it."""
    text = b"13 comment=x\n"
    unpack(header(b"pax_global_header", b"g", len(text)) + padded(text) + header(b"a") + END, tmp_path / "fs")
    assert list(tree(tmp_path / "fs")) == ["a"]


def test_zstd_comes_out_of_any_number_of_frames(furnished: Path, tmp_path: Path) -> None:
    tar = gnu_tar(furnished)
    half = len(tar) // 2
    frames = [
        subprocess.run(["zstd", "-qc"], input=part, capture_output=True, check=True).stdout
        for part in (tar[:half], tar[half:])
    ]
    skippable = bytes.fromhex("502a4d18") + (5).to_bytes(4, "little") + b"extra"
    unpack(skippable + frames[0] + skippable + frames[1], tmp_path / "fs", compression="zstd")
    assert tree(tmp_path / "fs") == tree(furnished)


def test_a_link_may_point_anywhere(tmp_path: Path) -> None:
    targets = ["/etc/passwd", "../../..", "a b", "é", "x" * 4000]
    unpack(
        archive(*[entry(str(i), SYMLINK, link=target) for i, target in enumerate(targets)]), tmp_path / "fs"
    )
    assert [os.readlink(tmp_path / "fs" / str(i)) for i in range(len(targets))] == targets


def test_links_on_the_way_are_followed_inside_of_the_target(tmp_path: Path) -> None:
    """As in a chroot: what belongs to /lib lands in /usr/lib where that is a link."""
    layer = archive(folder("usr/lib"), entry("lib", SYMLINK, link="/usr/lib"), entry("lib/a", content=b"a"))
    unpack(layer, tmp_path / "fs")
    assert (tmp_path / "fs/usr/lib/a").read_bytes() == b"a"
