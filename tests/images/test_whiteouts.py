# SPDX-License-Identifier: Apache-2.0
"""Whiteouts: the same layers give the same tree, whether the kernel stacks them or the archive is applied."""

from __future__ import annotations

import os
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba import errors
from support.layers import LINK, SYMLINK, archive, entry, folder, names, pack, tree, unpack

pytestmark = pytest.mark.requires("root")

BASE = archive(
    folder("a"),
    entry("a/one", content=b"1"),
    entry("a/two", content=b"2"),
    folder("a/b"),
    entry("a/b/three", content=b"3"),
    folder("c"),
    entry("c/four", content=b"4"),
    entry("link", SYMLINK, link="a"),
)

LAYERS = {
    "a file": archive(folder("a"), entry("a/.wh.one")),
    "a folder": archive(folder("a"), entry("a/.wh.b")),
    "what is not there": archive(entry(".wh.nothing")),
    "a link and not what it points at": archive(entry(".wh.link")),
    "all of a folder": archive(folder("a"), entry("a/.wh..wh..opq"), entry("a/new", content=b"n")),
    "all of a folder, the mark last": archive(
        folder("a"), entry("a/new", content=b"n"), entry("a/.wh..wh..opq")
    ),
    "a file that comes again": archive(entry("a/.wh.one"), entry("a/one", content=b"again")),
    "a file that came before": archive(entry("a/one", content=b"again"), entry("a/.wh.one")),
    "a folder that comes again": archive(entry("a/.wh.b"), folder("a/b"), entry("a/b/five", content=b"5")),
    "a folder that came before": archive(folder("a/b"), entry("a/b/five", content=b"5"), entry("a/.wh.b")),
    "a folder whose file comes again": archive(entry("a/.wh.b"), entry("a/b/five", content=b"5")),
    "a folder, a file in its place": archive(entry(".wh.c"), entry("c", content=b"file")),
    "a folder, replaced by a file": archive(entry("c", content=b"file")),
    "a file, replaced by a folder": archive(folder("a"), folder("a/one"), entry("a/one/six", content=b"6")),
    "a folder inside of an opaque one": archive(
        folder("a"), entry("a/.wh..wh..opq"), folder("a/b"), entry("a/b/five", content=b"5")
    ),
    "by a hard link, as AUFS did": archive(
        entry(".wh..wh.aufs"),
        folder(".wh..wh.plnk"),
        entry(".wh..wh.plnk/1.2"),
        entry(".wh.c", LINK, link=".wh..wh.aufs"),
    ),
}


@pytest.fixture
def stacked(tmp_path: Path) -> Iterator[Path]:
    """Two layers in overlay form, stacked by the kernel: unpack into base and top, then mount."""
    for name in ("base", "top", "upper", "work", "merged"):
        (tmp_path / name).mkdir()
    yield tmp_path
    subprocess.run(["umount", "-q", tmp_path / "merged"], check=False)


def mount(stacked: Path, options: str = "") -> Path:
    """Mount what the fixture holds."""
    lower = f"lowerdir={stacked}/top:{stacked}/base,upperdir={stacked}/upper,workdir={stacked}/work{options}"
    subprocess.run(["mount", "-t", "overlay", "-o", lower, "none", stacked / "merged"], check=True)
    return stacked / "merged"


@pytest.mark.parametrize("what", LAYERS)
def test_applied_and_stacked_layers_give_one_tree(stacked: Path, what: str) -> None:
    for name, layer in (("base", BASE), ("top", LAYERS[what])):
        unpack(layer, stacked / name, form="overlay")
        unpack(layer, stacked / "plain", form="plain")
    merged = {path: made._replace(attributes=()) for path, made in tree(mount(stacked)).items()}
    plain = tree(stacked / "plain")
    times_of_the_test = {path for path in plain if plain[path].kind == "folder"}
    for path in times_of_the_test & set(merged):
        merged[path], plain[path] = merged[path]._replace(mtime=0), plain[path]._replace(mtime=0)
    assert merged == plain
    assert not any(".wh." in path for path in plain)


def test_whiteouts_are_what_the_kernel_takes_for_them(tmp_path: Path) -> None:
    unpack(archive(entry(".wh.gone"), folder("a"), entry("a/.wh..wh..opq")), tmp_path / "fs")
    gone = (tmp_path / "fs/gone").lstat()
    assert (stat.S_ISCHR(gone.st_mode), gone.st_rdev) == (True, 0)
    assert os.getxattr(tmp_path / "fs/a", "trusted.overlay.opaque") == b"y"


def test_whiteouts_of_the_root_mark_the_folder_itself(tmp_path: Path) -> None:
    unpack(archive(entry(".wh..wh..opq")), tmp_path / "fs")
    assert os.getxattr(tmp_path / "fs", "trusted.overlay.opaque") == b"y"


def test_without_privileges_marks_are_the_users(tmp_path: Path) -> None:
    unpack(archive(folder("a"), entry("a/.wh..wh..opq"), entry(".wh.gone")), tmp_path / "fs", rootless=True)
    assert os.getxattr(tmp_path / "fs/a", "user.overlay.opaque") == b"y"
    assert stat.S_ISCHR((tmp_path / "fs/gone").lstat().st_mode)


@pytest.mark.parametrize("name", [".wh.", "a/.wh.", ".wh..", ".wh...", "a/.wh...", ".wh.x/y", ".wh.x/.wh.y"])
@pytest.mark.parametrize("form", ["overlay", "plain"])
def test_whiteouts_of_nothing_are_refused(tmp_path: Path, name: str, form: str) -> None:
    unpack(BASE, tmp_path / "fs")
    before = names(tmp_path)
    with pytest.raises(errors.LayerInvalid, match="whiteout"):
        unpack(archive(entry(name)), tmp_path / "fs", form=form)
    assert names(tmp_path) == before


@pytest.mark.parametrize("kind", [SYMLINK, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_whiteout_is_a_file(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(errors.LayerInvalid, match="a whiteout that is no file"):
        unpack(archive(entry(".wh.a", kind, link="b")), tmp_path / "fs")


def test_a_device_cannot_pass_for_a_whiteout(tmp_path: Path) -> None:
    with pytest.raises(errors.LayerInvalid, match="take it for a whiteout"):
        unpack(archive(entry("a", tarfile.CHRTYPE)), tmp_path / "fs")
    unpack(archive(entry("a", tarfile.CHRTYPE)), tmp_path / "plain", form="plain")
    assert stat.S_ISCHR((tmp_path / "plain/a").lstat().st_mode)


def test_a_link_to_a_whiteout_is_refused(tmp_path: Path) -> None:
    for layer in (
        archive(entry(".wh.a"), entry("b", LINK, link="a")),
        archive(entry("b", LINK, link=".wh.a")),
    ):
        with pytest.raises(errors.LayerInvalid, match="to a whiteout"):
            unpack(layer, tmp_path / "fs")


@pytest.mark.parametrize("what", LAYERS)
def test_changes_that_the_kernel_wrote_down_are_packed_as_they_were_made(stacked: Path, what: str) -> None:
    """A layer in overlay form, packed and unpacked again, is the same layer."""
    unpack(LAYERS[what], stacked / "top")
    packed, _ = pack(stacked / "top", source="overlay")
    unpack(packed, stacked / "again")
    again, top = (
        {path: made._replace(mtime=0) for path, made in tree(stacked / name).items()}
        for name in ("again", "top")
    )
    assert again == top


def test_a_containers_changes_become_a_layer(stacked: Path) -> None:
    unpack(BASE, stacked / "base")
    merged = mount(stacked, ",redirect_dir=off,metacopy=off,index=off")
    (merged / "a/one").unlink()
    (merged / "c/four").unlink()
    (merged / "c").rmdir()
    subprocess.run(["rm", "-r", merged / "a/b"], check=True)
    (merged / "a/b").mkdir()
    (merged / "a/b/new").write_text("new")
    packed, made = pack(stacked / "upper", source="overlay")
    assert made.entries == len(names_in(packed))
    assert names_in(packed) == ["a", "a/.wh.one", "a/b", "a/b/.wh..wh..opq", "a/b/new", ".wh.c"] or names_in(
        packed
    ) == [".wh.c", "a", "a/.wh.one", "a/b", "a/b/.wh..wh..opq", "a/b/new"]
    unpack(BASE, stacked / "plain")
    unpack(packed, stacked / "plain", form="plain")
    assert names(stacked / "plain") == names(merged)


def names_in(layer: bytes) -> list[str]:
    """Return the names that Python reads in a layer."""
    from support.layers import entries

    return [info.name for info in entries(layer)]


@pytest.mark.parametrize(("mark", "value"), [("redirect", b"/a"), ("metacopy", b""), ("opaque", b"x")])
def test_marks_that_no_layer_can_say_are_refused(tmp_path: Path, mark: str, value: bytes) -> None:
    (tmp_path / "upper/a").mkdir(parents=True)
    os.setxattr(tmp_path / "upper/a", f"trusted.overlay.{mark}", value)
    with pytest.raises(errors.LayerInvalid, match=f'layer: "a": has overlayfs\'s mark "{mark}"'):
        pack(tmp_path / "upper", source="overlay")
