# SPDX-License-Identifier: Apache-2.0
"""Folders become layers: the same tree gives the same bytes, and others read out of them what was put in."""

from __future__ import annotations

import gzip
import os
import socket
import subprocess
from pathlib import Path

import pytest

from estiba import errors
from support.layers import archive, digest, entries, entry, links, names, node, pack, tree, unpack

pytestmark = pytest.mark.requires("root")


def furnish(root: Path) -> Path:
    """Make a folder with something of each kind in it."""
    (root / "b/deep").mkdir(parents=True)
    (root / "b/file").write_bytes(b"x" * 3_000_000 + os.urandom(10_000))
    (root / "b/again").hardlink_to(root / "b/file")
    (root / "a").symlink_to("b/file")
    os.mkfifo(root / "fifo")
    os.mknod(root / "null", 0o20666, os.makedev(1, 3))
    (root / "b/deep/tool").write_bytes(b"#!/bin/sh\n")
    os.chown(root / "b/deep/tool", 3_000_000, 4_000_000)
    (root / "b/deep/tool").chmod(0o6755)
    os.setxattr(root / "b/deep/tool", "user.note", b"\0binary\n")
    os.setxattr(root / "b", "user.note", b"n")
    os.setxattr(root / "b", "trusted.note", b"the host's")
    for path in [*root.rglob("*"), root]:
        os.utime(path, ns=(0, 1_234_567_890_123_456_789), follow_symlinks=False)
    return root


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_what_was_packed_comes_out_again(tmp_path: Path, compression: str) -> None:
    root = furnish(tmp_path / "tree")
    layer, packed = pack(root, compression=compression)
    made = unpack(layer, tmp_path / "again", form="plain", compression=compression)
    os.removexattr(root / "b", "trusted.note")
    assert tree(tmp_path / "again") == tree(root)
    assert links(tmp_path / "again") == {frozenset({"b/file", "b/again"})}
    assert (packed.digest, packed.size, packed.diff_id) == (made.digest, made.size, made.diff_id)
    assert (packed.digest, packed.size) == (digest(layer), len(layer))
    assert packed.entries == made.entries == 8


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_the_same_tree_gives_the_same_bytes_wherever_it_is(tmp_path: Path, compression: str) -> None:
    root = furnish(tmp_path / "tree")
    (root / "big").write_bytes(os.urandom(20_000_000))
    subprocess.run(["cp", "-a", root, tmp_path / "copy"], check=True)
    os.sched_setaffinity(0, {0})
    try:
        alone, _ = pack(root, compression=compression)
    finally:
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    assert pack(tmp_path / "copy", compression=compression)[0] == alone


def test_names_are_sorted_by_their_bytes(root: Path) -> None:
    for name in ("b", "B", "a.b", "a-b", "ä", "a"):
        (root / name).mkdir()
        (root / name / "x").touch()
    got = [info.name for info in entries(pack(root)[0])]
    assert got == ["B", "B/x", "a", "a/x", "a-b", "a-b/x", "a.b", "a.b/x", "b", "b/x", "ä", "ä/x"]


def test_no_time_is_later_than_the_clamp(root: Path) -> None:
    for name, time in (("old", 5), ("new", 50)):
        (root / name).touch()
        os.utime(root / name, (0, time))
    got = {info.name: info.mtime for info in entries(pack(root, clamp_mtime=20)[0])}
    assert got == {"old": 5, "new": 20}


def test_nothing_of_the_host_is_in_a_layer(root: Path) -> None:
    (root / "a").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
        layer, packed = pack(root)
    found = entries(layer)
    assert [(info.name, info.uname, info.gname, info.pax_headers) for info in found] == [("a", "", "", {})]
    assert len(layer) == packed.tar_bytes == 512 + 1024


def test_the_root_has_an_entry_only_where_it_is_not_as_roots_are(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir(mode=0o755)
    assert entries(pack(tmp_path / "tree")[0]) == []
    (tmp_path / "tree").chmod(0o1777)
    layer, _ = pack(tmp_path / "tree")
    assert [(info.name, info.mode) for info in entries(layer)] == [(".", 0o1777)]
    unpack(layer, tmp_path / "again")
    assert node(tmp_path / "again").mode == 0o1777


def test_names_that_would_be_whiteouts_are_refused(root: Path) -> None:
    (root / "a").mkdir()
    (root / "a/.wh.b").touch()
    with pytest.raises(errors.LayerInvalid, match=r'layer: "a": holds ".wh.b"'):
        pack(root)


@pytest.mark.parametrize(("compression", "level"), [("gzip", 0), ("gzip", 13), ("zstd", 20), ("none", 1)])
def test_levels_that_there_are_not_are_refused(tmp_path: Path, compression: str, level: int) -> None:
    with pytest.raises(errors.ArgumentInvalid, match=f"no compression level {level}"):
        pack(tmp_path, compression=compression, level=level)


def test_python_and_gzip_read_all_members(root: Path) -> None:
    (root / "big").write_bytes(os.urandom(5_000_000))
    layer, packed = pack(root, compression="gzip")
    tar = gzip.decompress(layer)
    assert (digest(tar), len(tar)) == (packed.diff_id, packed.tar_bytes)
    assert subprocess.run(["gzip", "-dc"], input=layer, capture_output=True, check=True).stdout == tar


def test_zstd_reads_all_frames_with_the_window_that_all_decoders_have(root: Path) -> None:
    (root / "big").write_bytes(os.urandom(10_000_000) * 2)
    layer, packed = pack(root, compression="zstd")
    tar = subprocess.run(
        ["zstd", "-dc", "--memory=8MiB"], input=layer, capture_output=True, check=True
    ).stdout
    assert (digest(tar), len(tar)) == (packed.diff_id, packed.tar_bytes)


def test_a_tree_packed_from_what_python_wrote_names_the_same(tmp_path: Path) -> None:
    unpack(archive(entry("x" * 200), entry("d/" * 60 + "f"), entry("é")), tmp_path / "fs")
    assert {info.name for info in entries(pack(tmp_path / "fs")[0])} == names(tmp_path / "fs")
