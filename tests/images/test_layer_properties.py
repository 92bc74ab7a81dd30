# SPDX-License-Identifier: Apache-2.0
"""Layers of any shape: trees come back as they were, others read the same, and damage is only ever refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estiba import errors
from support.layers import SYMLINK, archive, entries, entry, folder, gzipped, names, pack, tree, unpack

pytestmark = pytest.mark.requires("root")

NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]),
    min_size=1,
    max_size=60,
).filter(lambda name: name not in (".", "..") and not name.startswith(".wh.") and len(name.encode()) < 200)
TIMES = st.integers(-(1 << 30), 1 << 33)
IDS = st.sampled_from([0, 1, 1000, 65534, 2_097_151, 2_097_152, 4_294_967_294])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["user.a", "user.b\n", "user." + "c" * 200]), st.binary(max_size=300), max_size=2
)
LEAF: st.SearchStrategy[tuple[str, Any, int, dict[str, bytes]]] = st.one_of(
    st.builds(
        lambda content, mode, own: ("file", content, mode, own),
        st.binary(max_size=2000),
        st.integers(0, 0o7777),
        ATTRIBUTES,
    ),
    st.builds(lambda target: ("link", target, 0, {}), NAMES),
    st.builds(lambda mode: ("fifo", b"", mode, {}), st.integers(0, 0o777)),
)
TREES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(NAMES, LEAF, max_size=4),
    lambda below: st.dictionaries(NAMES, LEAF | below, max_size=4),
    max_leaves=12,
)


def grow(at: Path, shape: dict[str, Any], times: Iterator[int], ids: Iterator[int]) -> None:
    """Make a tree of a shape."""
    for name, what in shape.items():
        path = at / name
        if isinstance(what, dict):
            path.mkdir()
            grow(path, what, times, ids)
        elif what[0] == "link":
            path.symlink_to(what[1])
        elif what[0] == "fifo":
            os.mkfifo(path)
        else:
            path.write_bytes(what[1])
        os.chown(path, next(ids), next(ids), follow_symlinks=False)
        if not isinstance(what, dict) and what[0] != "link":
            path.chmod(what[2])
        for key, value in what[3].items() if isinstance(what, tuple) else ():
            os.setxattr(path, key, value)
        os.utime(path, (0, next(times)), follow_symlinks=False)


@contextmanager
def place() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    made = Path(tempfile.mkdtemp(prefix="et-"))
    (made / "tree").mkdir()
    try:
        yield made
    finally:
        shutil.rmtree(made)


@settings(deadline=None, max_examples=60)
@given(shape=TREES, times=st.lists(TIMES, min_size=3, max_size=3), ids=st.lists(IDS, min_size=3, max_size=3))
def test_any_tree_comes_back_as_it_was_and_others_read_the_same(
    shape: dict[str, Any], times: list[int], ids: list[int]
) -> None:
    def again(values: list[int]) -> Iterator[int]:
        while True:
            yield from values

    with place() as at:
        grow(at / "tree", shape, again(times), again(ids))
        layer, packed = pack(at / "tree", compression="none")
        before = tree(at / "tree")
        unpack(layer, at / "again")
        assert tree(at / "again") == before
        assert pack(at / "again", compression="none")[1].digest == packed.digest
        assert {info.name for info in entries(layer)} == set(before)
        (at / "gnu").mkdir()
        subprocess.run(
            ["tar", "-xp", "--xattrs", "--numeric-owner", "-C", at / "gnu"],
            input=layer,
            check=True,
            capture_output=True,
        )
        assert {k: v._replace(attributes=()) for k, v in tree(at / "gnu").items()} == {
            k: v._replace(attributes=()) for k, v in before.items()
        }


SAMPLE = archive(
    folder("a"),
    entry("a/file", content=b"content" * 200),
    entry("a/" + "long" * 60, content=b"x"),
    entry("a/link", SYMLINK, link="file"),
    entry(".wh.gone"),
    entry("b", uid=1 << 25, mtime=5.5),
)


@settings(deadline=None, max_examples=300)
@given(
    edits=st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.none() | st.integers(0, len(SAMPLE)),
    squeeze=st.booleans(),
    form=st.sampled_from(["overlay", "plain"]),
)
def test_damage_is_refused_or_harmless(
    edits: list[tuple[int, int]], cut: int | None, squeeze: bool, form: str
) -> None:
    bad = bytearray(SAMPLE)
    for at, value in edits:
        bad[at] = value
        head = at - at % 512  # a right checksum takes the damage past the first check
        block = bad[head : head + 512]
        if any(block) and block[257:262] == b"ustar":
            block[148:156] = b" " * 8
            bad[head + 148 : head + 156] = b"%06o\0 " % sum(block)
    layer = gzipped(bytes(bad[:cut])) if squeeze else bytes(bad[:cut])
    with place() as here:
        try:
            unpack(layer, here / "fs", form=form, max_bytes=1 << 20, max_entries=100)
        except (errors.LayerInvalid, errors.BlobCorrupt):
            pass
        assert {path.name for path in here.iterdir()} == {"tree", "fs"}
        assert not any("/.wh." in f"/{path}" for path in names(here / "fs"))
