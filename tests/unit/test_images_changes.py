# SPDX-License-Identifier: Apache-2.0
"""Which files differ between two stacks of layers."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from estiba.errors import StoreError
from estiba.images.changes import compare
from estiba.images.stack import Stack

MakeLayer = Callable[..., str]


@pytest.fixture
def layer(tmp_path: Path) -> MakeLayer:
    """A function that makes a layer: files by path, None for a folder, "whiteout" and "opaque" for overlay's marks."""
    count = iter(range(100))

    def make(**files: bytes | str | None) -> str:
        root = tmp_path / f"layer{next(count)}"
        root.mkdir()
        for name, content in files.items():
            path = root / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            if content == "whiteout":
                os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
            elif content is None or content == "opaque":
                path.mkdir(exist_ok=True)
                if content == "opaque":
                    os.setxattr(path, "user.overlay.opaque", b"y")
            else:
                assert isinstance(content, bytes)
                path.write_bytes(content)
        return str(root)

    return make


def told(before: list[str], after: list[str]) -> list[str]:
    """Return the changes as lines."""
    with Stack(before, overlay="user") as one, Stack(after, overlay="user") as other:
        return [" ".join([change.kind, change.path, *change.what]) for change in compare(one, other)]


def test_layer_on_top_is_told_by_its_files(layer: MakeLayer) -> None:
    """Added, changed, deleted; what it wrote anew with the same bytes is no change."""
    base = layer(etc__a=b"1", etc__b=b"2", etc__c=b"3", etc__same=b"x", usr__x=b"x")
    top = layer(etc__a=b"one", etc__b="whiteout", etc__new=b"n", etc__same=b"x", opt__deep__f=b"f")
    assert told([base], [base, top]) == [
        "C /etc/a content",
        "D /etc/b",
        "A /etc/new",
        "A /opt",
        "A /opt/deep",
        "A /opt/deep/f",
    ]
    assert told([base, top], [base]) == ["C /etc/a content", "A /etc/b", "D /etc/new", "D /opt"]
    assert told([base, top], [base, top]) == []


def test_opaque_folder_hides_what_is_below(layer: MakeLayer) -> None:
    """Also a file where a folder was, and a folder where a file was."""
    base = layer(d__old=b"1", d__both=b"2", f__in=b"3", g=b"4")
    top = layer(d="opaque", d__both=b"2", f=b"now a file", g__in=b"now a folder")
    assert told([base], [base, top]) == ["D /d/old", "C /f type", "C /g type", "A /g/in"]


def test_whiteout_in_the_middle_hides_only_what_is_below_it(layer: MakeLayer) -> None:
    """Three layers: made, removed, made again."""
    base, middle, top = layer(d__x=b"1", d__y=b"2"), layer(d="whiteout"), layer(d__y=b"2")
    assert told([base], [base, middle, top]) == ["D /d/x"]


def test_attributes_of_files_are_told_apart(layer: MakeLayer) -> None:
    """Mode, extended attributes, the target of a link; not the time."""
    names = {"mode": b"x", "attribute": b"x", "time": b"x"}
    one, other = layer(**names), layer(**names)
    Path(other, "mode").chmod(0o4755)
    os.setxattr(Path(other, "attribute"), "user.color", b"red")
    os.utime(Path(other, "time"), (1, 1))
    for root, target in ((one, "a"), (other, "b")):
        Path(root, "link").symlink_to(target)
    assert told([one], [other]) == ["C /attribute xattrs", "C /link target", "C /mode mode"]


def test_access_lists_are_told_apart(layer: MakeLayer) -> None:
    """Layers carry them; the mode may be the same with one."""
    one, other = layer(file=b"x", folder__in=b"x"), layer(file=b"x", folder__in=b"x")
    entries = ((1, 6, -1), (2, 4, 7), (4, 4, -1), (0x10, 4, -1), (0x20, 4, -1))
    """Tag, permissions, id of acl(5): user 7 may read, and all else is as in 0644."""
    acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(Path(other, "file"), "system.posix_acl_access", acl)
    os.setxattr(Path(other, "folder"), "system.posix_acl_default", acl)
    assert told([one], [other]) == ["C /file xattrs", "C /folder xattrs"]


def test_link_in_a_layer_leads_nowhere(layer: MakeLayer, tmp_path: Path) -> None:
    """A folder that a container swaps for a link to the host's files shows none of them."""
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "file").write_bytes(b"host")
    base, top = layer(d__file=b"1"), layer()
    Path(top, "d").symlink_to(secret)
    assert told([base], [base, top]) == ["C /d type"]
    with Stack([top], overlay="user") as stack:
        assert stack.open("/d/file", stack.root() or pytest.fail("no root"), os.O_RDONLY) is None


def test_image_without_layers_is_empty(layer: MakeLayer) -> None:
    """FROM scratch against something, and against itself."""
    top = layer(a=b"1", d__b=b"2")
    assert told([], [top]) == ["A /a", "A /d", "A /d/b"]
    assert told([top], []) == ["D /a", "D /d"]
    assert told([], []) == []


def test_shared_folder_is_not_entered(layer: MakeLayer) -> None:
    """What both sides have from the same layer costs nothing, however large: it need not even be readable."""
    base, top = layer(shared__a=b"1", x=b"1"), layer(x=b"2")
    with Stack([base], overlay="user") as one, Stack([base, top], overlay="user") as other:
        listed: list[str] = []
        children = other.children
        other.children = lambda path, entry: listed.append(path) or children(path, entry)  # type: ignore
        assert [change.path for change in compare(one, other)] == ["/x"]
    assert listed == [""]


def test_layer_that_is_absent_is_said(tmp_path: Path) -> None:
    """By its folder."""
    with pytest.raises(StoreError, match="absent"):
        Stack([str(tmp_path / "absent")])
