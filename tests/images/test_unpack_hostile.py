# SPDX-License-Identifier: Apache-2.0
"""Archives that mean harm: whatever is in them, nothing outside of the target is read, made or changed.

Each row is an attack that some tool fell for; beside the target lies a folder that the attack is after.
"""

from __future__ import annotations

import copy
import ctypes
import gzip
import os
import stat
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from estiba import errors
from support.layers import (
    END,
    LINK,
    SYMLINK,
    Node,
    archive,
    entry,
    folder,
    header,
    names,
    node,
    padded,
    pax,
    tree,
    unpack,
)

pytestmark = pytest.mark.requires("root")

OUT = "OUTSIDE"
"""Stands for the path of the folder beside the target."""

INSIDE = {
    "an absolute name": [entry("/pwned")],
    "an absolute name with many slashes": [entry("///pwned")],
    "a link, then a folder of its name, then a file in it": [
        entry("x", SYMLINK, link=OUT),
        folder("x", 0o777),
        entry("x/pwned"),
    ],
    "a link to a file, then the file": [
        entry("x", SYMLINK, link=f"{OUT}/secret"),
        entry("x", content=b"pwned"),
    ],
    "a link, then a folder with a mode and an owner": [
        entry("x", SYMLINK, link=OUT),
        folder("x", 0o777, uid=5, mtime=5),
    ],
    "a name for a link, then a file of that name": [
        entry("x", SYMLINK, link=f"{OUT}/secret"),
        entry("y", LINK, link="x"),
        entry("y", content=b"pwned"),
    ],
    "a full folder, replaced by a link": [folder("x"), entry("x/a"), entry("x", SYMLINK, link=OUT)],
    "a pipe, then a file of its name": [entry("x", tarfile.FIFOTYPE), entry("x", content=b"x")],
    "a link upwards": [entry("x", SYMLINK, link="../../.."), folder("root"), entry("x/pwned")],
    "a link to the root": [entry("x", SYMLINK, link="/"), entry("x/pwned")],
    "a link that ends in itself inside": [
        folder("a"),
        entry("a/up", SYMLINK, link=".."),
        entry("a/up/a/pwned"),
    ],
}
"""Taken, and kept inside."""

REFUSED = {
    "upwards": ([entry("../pwned")], '".."'),
    "upwards from the root": ([entry("/../pwned")], '".."'),
    "upwards from within": ([entry("a/../../pwned")], '".."'),
    "upwards and back": ([entry("a/../b")], '".."'),
    "a file below a link to outside": ([entry("x", SYMLINK, link=OUT), entry("x/pwned")], "make the folder"),
    "a file below a relative link to outside": (
        [entry("x", SYMLINK, link="../outside"), entry("x/pwned")],
        "make the folder",
    ),
    "a file below a folder that a link replaced": (
        [folder("x"), entry("x/a"), entry("x", SYMLINK, link=OUT), entry("x/pwned")],
        "make the folder",
    ),
    "a file below links in a ring": (
        [entry("a", SYMLINK, link="b"), entry("b", SYMLINK, link="a"), entry("a/x")],
        "ELOOP",
    ),
    "a file below a file": ([entry("a"), entry("a/b")], "ENOTDIR"),
    "a file below a pipe": ([entry("a", tarfile.FIFOTYPE), entry("a/b")], "ENOTDIR"),
    "a link into /proc": ([entry("x", SYMLINK, link="/proc/self/root"), entry("x/pwned")], "make the folder"),
    "a hard link upwards": ([entry("x", LINK, link="../outside/secret")], '".."'),
    "a hard link to an absolute path": ([entry("x", LINK, link=f"{OUT}/secret")], "link to"),
    "a hard link through a link": (
        [entry("x", SYMLINK, link=OUT), entry("y", LINK, link="x/secret")],
        "link to",
    ),
    "a hard link to a folder": ([folder("a"), entry("b", LINK, link="a")], "to a folder"),
    "a hard link to the root": ([entry("b", LINK, link="/")], "to a folder"),
    "a hard link to what comes later": ([entry("a", LINK, link="b"), entry("b")], "link to"),
    "the root as a link": ([entry(".", SYMLINK, link=OUT), entry("pwned")], "root can be a folder only"),
    "the root as a link, with a slash": ([entry("./", SYMLINK, link=OUT)], "root can be a folder only"),
    "the root as an absolute link": ([entry("/", SYMLINK, link=OUT)], "root can be a folder only"),
    "the root as a file": ([entry("./.")], "root can be a folder only"),
    "the root as a hard link": ([entry(".", LINK, link="a")], "root can be a folder only"),
    "a name of 256 bytes": ([entry("x" * 256)], "ENAMETOOLONG"),
    "a path of more than the kernel takes": ([entry("x/" * 2100)], "4095"),
    "a device that Linux has not": ([entry("x", tarfile.BLKTYPE, devmajor=5000)], "no device"),
    "an owner that means nobody": ([entry("x", uid=0xFFFFFFFF)], "not a user"),
    "an owner beyond all": ([entry("x", uid=1 << 40)], "not a user"),
    "an ACL that is none": ([entry("x")], "set its attribute"),
}
REFUSED["an ACL that is none"][0][0][0].pax_headers = {
    "SCHILY.xattr.system.posix_acl_access": "\x02\0\0\0bad"
}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What attacks are after."""
    made = tmp_path / "outside"
    made.mkdir(mode=0o700)
    (made / "secret").write_bytes(b"secret")
    return made


def aimed(entries: list[tuple[tarfile.TarInfo, bytes]], outside: Path) -> bytes:
    """Return an archive whose links point at the folder outside."""
    pairs = []
    for info, content in entries:
        again = copy.deepcopy(info)
        again.linkname = info.linkname.replace(OUT, str(outside))
        pairs.append((again, content))
    return archive(*pairs)


def untouched(outside: Path) -> tuple[Node, dict[str, Node]]:
    """Return all that an attack could change, times of reading left out."""
    return node(outside), tree(outside)


@pytest.mark.parametrize("form", ["overlay", "plain"])
@pytest.mark.parametrize("attack", INSIDE)
def test_an_attack_ends_inside_of_the_target(tmp_path: Path, outside: Path, attack: str, form: str) -> None:
    before = untouched(outside)
    unpack(aimed(INSIDE[attack], outside), tmp_path / "fs", form=form)
    assert untouched(outside) == before
    assert {path.name for path in tmp_path.iterdir()} == {"fs", "outside"}


@pytest.mark.parametrize("form", ["overlay", "plain"])
@pytest.mark.parametrize("attack", REFUSED)
def test_an_attack_is_refused_in_words(tmp_path: Path, outside: Path, attack: str, form: str) -> None:
    before = untouched(outside)
    entries, words = REFUSED[attack]
    with pytest.raises(errors.LayerInvalid, match=words) as caught:
        unpack(aimed(entries, outside), tmp_path / "fs", form=form)
    assert f"layer, entry {caught.value.message.split()[2]}" in caught.value.message
    assert untouched(outside) == before
    assert {path.name for path in tmp_path.iterdir()} == {"fs", "outside"}


def test_a_layer_cannot_turn_the_root_so_that_the_next_one_lands_outside(
    tmp_path: Path, outside: Path
) -> None:
    """CVE-2021-29136."""
    with pytest.raises(errors.LayerInvalid):
        unpack(aimed([entry(".", SYMLINK, link=OUT)], outside), tmp_path / "fs")
    unpack(archive(entry("pwned")), tmp_path / "fs")
    assert names(outside) == {"secret"}


@pytest.mark.parametrize("mark", [".wh.secret", ".wh..wh..opq"])
def test_a_whiteout_through_a_link_removes_nothing_outside(tmp_path: Path, outside: Path, mark: str) -> None:
    unpack(aimed([entry("x", SYMLINK, link=OUT)], outside), tmp_path / "fs", form="plain")
    with pytest.raises(errors.LayerInvalid, match="make the folder"):
        unpack(archive(entry(f"x/{mark}")), tmp_path / "fs", form="plain")
    assert names(outside) == {"secret"}


def test_a_removed_folder_takes_nothing_along_that_its_links_point_at(tmp_path: Path, outside: Path) -> None:
    entries = [
        folder("x"),
        entry("x/link", SYMLINK, link=OUT),
        folder("x/y"),
        entry("x/y/link", SYMLINK, link=OUT),
    ]
    unpack(aimed(entries, outside), tmp_path / "fs", form="plain")
    unpack(archive(entry(".wh.x")), tmp_path / "fs", form="plain")
    assert (names(tmp_path / "fs"), names(outside)) == (set(), {"secret"})


def test_a_folder_of_two_thousand_levels_is_made_and_removed(tmp_path: Path) -> None:
    deep = "d/" * 2000
    unpack(archive(entry(deep + "f")), tmp_path / "fs", form="plain")
    unpack(archive(entry("d", content=b"file")), tmp_path / "fs", form="plain")
    assert tree(tmp_path / "fs")["d"].content == b"file"


def test_a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere(tmp_path: Path, outside: Path) -> None:
    target = tmp_path / "fs"
    (target / "a").mkdir(parents=True)
    (tmp_path / "link").symlink_to(outside)
    libc = ctypes.CDLL(None, use_errno=True)
    done = threading.Event()

    def swap() -> None:
        exchange, here = 2, -100  # RENAME_EXCHANGE, AT_FDCWD
        while not done.is_set():
            libc.renameat2(here, os.fsencode(target / "a"), here, os.fsencode(tmp_path / "link"), exchange)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(50):
            layer = archive(*[entry(f"{part}/{number}-{i}") for i in range(20) for part in ("a", "b")])
            try:
                unpack(layer, target, form="plain")
            except errors.EstibaError:
                pass  # refused because of what it met: as good
    finally:
        done.set()
        swapping.join()
    assert names(outside) == {"secret"}


CONTRADICTIONS: dict[str, tuple[bytes, str]] = {
    "an extended size above the header's": (
        pax(size="1024") + header(b"a", size=0) + bytes(1024),
        "tools disagree",
    ),
    "an extended size below the header's": (
        pax(size="0") + header(b"a", size=512) + header(b"b"),
        "tools disagree",
    ),
    "a folder with data": (header(b"a/", b"5", size=512) + header(b"b"), "data behind it"),
    "a link with data": (header(b"a", b"2", size=512, link=b"x") + header(b"b"), "data behind it"),
    "a hard link with data": (header(b"a", b"1", size=512, link=b"x") + header(b"b"), "data behind it"),
    "a global path": (header(b"g", b"g", 11) + padded(b"11 path=ab\n") + header(b"a"), "tools disagree"),
    "two extended headers": (pax(path="x") + pax(path="y") + header(b"a"), "two extended headers"),
    "two long names": (2 * (header(b"L", b"L", 1) + padded(b"x")) + header(b"a"), "two extended headers"),
    "a long name and an extended path": (
        header(b"L", b"L", 1) + padded(b"x") + pax(path="y") + header(b"a"),
        "two extended headers",
    ),
    "a file named like a folder": (header(b"a/"), "ends like a folder's"),
    "a path with a NUL": (pax(path=b"a\0b") + header(b"a"), "NUL"),
    "an empty name": (header(b""), "empty name"),
    "a link to nothing": (header(b"a", b"2"), "empty name"),
    "an extended header for nothing": (pax(path="x"), "ends in the middle"),
    "zeros between entries": (header(b"a") + bytes(512) + header(b"b"), "zeros stands between"),
    "a size below zero": (header(b"a", size=b"\xff" * 12), "size"),
    "a size beyond all": (header(b"a", size=b"\x80\x7f" + b"\xff" * 10), "size"),
    "a size that is no number": (header(b"a", size=b"12x\0"), "size"),
    "an extended size that is no number": (pax(size="1e3") + header(b"a"), "size"),
    "a record that is longer than it says": (
        header(b"x", b"x", 9) + padded(b"8 path=a\n") + header(b"a"),
        "LENGTH",
    ),
    "an extended header of a gigabyte": (header(b"x", b"x", 1 << 30), "more than 1048576"),
    "a long name of a gigabyte": (header(b"L", b"L", 1 << 30), "more than 1048576"),
    "an attribute without a name": (pax(SCHILY__xattr__="x") + header(b"a"), "attribute"),
    "an attribute whose name is too long": (
        pax(**{"SCHILY.xattr." + "x" * 256: "v"}) + header(b"a"),
        "attribute",
    ),
    "an attribute whose value is too long": (
        pax(**{"SCHILY.xattr.user.x": b"v" * 65537}) + header(b"a"),
        "attribute",
    ),
    "a wrong checksum": (b"\1" + header(b"a")[1:], "checksum"),
    "no archive at all": (b"#!/bin/sh\n" * 100, "checksum"),
    **{
        f"type {kind.decode()}": (header(b"a", kind), f'type "{kind.decode()}"')
        for kind in (b"D", b"M", b"V", b"N", b"X")
    },
}


@pytest.mark.parametrize("what", CONTRADICTIONS)
def test_an_archive_that_tools_read_differently_is_refused(tmp_path: Path, what: str) -> None:
    layer, words = CONTRADICTIONS[what]
    with pytest.raises(errors.LayerInvalid, match=words):
        unpack(layer + END, tmp_path / "fs")
    assert "b" not in names(tmp_path / "fs")


SPARSE: dict[str, bytes] = {
    "extents that overlap": pax(GNU__sparse__size="9", GNU__sparse__map="0,5,4,5")
    + header(b"a", size=10)
    + padded(b"x" * 10),
    "extents past the end": pax(GNU__sparse__size="9", GNU__sparse__map="8,5")
    + header(b"a", size=5)
    + padded(b"x" * 5),
    "extents backwards": pax(GNU__sparse__size="9", GNU__sparse__map="5,1,0,1")
    + header(b"a", size=2)
    + padded(b"xx"),
    "less data than extents": pax(GNU__sparse__size="9", GNU__sparse__map="0,5")
    + header(b"a", size=4)
    + padded(b"xxxx"),
    "more data than extents": pax(GNU__sparse__size="9", GNU__sparse__map="0,5")
    + header(b"a", size=6)
    + padded(b"x" * 6),
    "half an extent": pax(GNU__sparse__size="9", GNU__sparse__map="0,5,7")
    + header(b"a", size=5)
    + padded(b"x" * 5),
    "an extent around the end of numbers": pax(GNU__sparse__size="9", GNU__sparse__map=f"{2**64 - 1},5")
    + header(b"a", size=5)
    + padded(b"x" * 5),
    "a map longer than the data": pax(GNU__sparse__major="1", GNU__sparse__realsize="9")
    + header(b"a", size=512)
    + padded(b"99999\n"),
    "a version to come": pax(GNU__sparse__major="2", GNU__sparse__realsize="9") + header(b"a", size=0),
    "no size": pax(GNU__sparse__map="0,0") + header(b"a"),
    "a sparse folder": pax(GNU__sparse__size="0", GNU__sparse__map="0,0") + header(b"a/", b"5"),
}


@pytest.mark.parametrize("what", SPARSE)
def test_a_map_of_a_sparse_file_that_contradicts_itself_is_refused(tmp_path: Path, what: str) -> None:
    with pytest.raises(errors.LayerInvalid, match="map of a sparse file|no data|data behind"):
        unpack(SPARSE[what] + END, tmp_path / "fs")


def zeros(count: int) -> bytes:
    """Return gzip's form of very many zeros, made by repeating a member."""
    member = gzip.compress(bytes(1 << 20), mtime=0)
    return member * (count >> 20)


BOMBS: dict[str, tuple[bytes, dict[str, Any], str]] = {
    "a file of a terabyte of holes": (
        pax(GNU__sparse__size=str(1 << 40), GNU__sparse__map="0,0") + header(b"a") + END,
        {},
        "unpacks to more than 1048576 bytes",
    ),
    "a file that says it is large": (header(b"a", size=1 << 32), {}, "unpacks to more than 1048576 bytes"),
    "a gigabyte of zeros behind the end": (gzip.compress(END, mtime=0) + zeros(1 << 30), {}, "longer than"),
    "entries without end": (
        archive(*[entry(str(i)) for i in range(101)]),
        {"max_entries": 100},
        "more than 100 entries",
    ),
    "whiteouts without end": (
        archive(*[entry(f".wh.{i}") for i in range(101)]),
        {"max_entries": 100},
        "more than 100 entries",
    ),
    "extended headers without end": (
        gzip.compress(
            b"".join(pax(comment="x" * (1 << 19)) + header(b"a") for _ in range(20)) + END, mtime=0
        ),
        {"max_entries": 100},
        "longer than",
    ),
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_bomb_goes_off_nowhere(tmp_path: Path, what: str) -> None:
    layer, limits, words = BOMBS[what]
    with pytest.raises(errors.LayerInvalid, match=words) as caught:
        unpack(layer, tmp_path / "fs", **{"max_bytes": 1 << 20, "max_entries": 1000, **limits})
    assert caught.value.hint
    assert sum(path.stat().st_blocks for path in (tmp_path / "fs").iterdir()) * 512 < 4 << 20


def test_zstd_with_a_window_of_gigabytes_is_refused(tmp_path: Path) -> None:
    window = bytes([(31 - 10) << 3])  # RFC 8878, 3.1.1.1.2
    frame = bytes.fromhex("28b52ffd") + b"\x00" + window + bytes.fromhex("010000")
    with pytest.raises(errors.BlobCorrupt, match="damaged"):
        unpack(frame, tmp_path / "fs")


@pytest.mark.parametrize("rest", [b"garbage", b"\x1f\x8b\x08", bytes(10)])
def test_what_follows_the_last_member_of_gzip_is_refused(tmp_path: Path, rest: bytes) -> None:
    with pytest.raises(errors.BlobCorrupt, match="damaged"):
        unpack(gzip.compress(archive(entry("a"))) + rest, tmp_path / "fs")


def test_names_in_messages_are_one_line_without_control_characters(tmp_path: Path) -> None:
    with pytest.raises(errors.LayerInvalid) as caught:
        unpack(archive(entry("../a\n\x1b[31mb")), tmp_path / "fs")
    assert caught.value.message.isprintable()


def test_bits_that_give_rights_stand_on_files_of_their_owners_alone(tmp_path: Path) -> None:
    """A file is not setuid before it is whose it will be."""
    unpack(archive(entry("a", content=b"x", mode=0o6755, uid=5, gid=6)), tmp_path / "fs")
    found = (tmp_path / "fs/a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o6755, 5, 6)
