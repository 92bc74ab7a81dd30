# SPDX-License-Identifier: Apache-2.0
"""What a copied tree keeps, what it replaces, and that neither end leads it outside of its root."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from estiba import _core
from estiba.errors import TreeInvalid


class Ends(NamedTuple):
    """A source root and a target root, and what must not be touched beside them."""

    source: Path
    target: Path
    outside: Path
    source_fd: int
    target_fd: int

    def copy(self, source: str = "", target: str = "/", **rules: Any) -> tuple[int, int]:
        """Copy from the one into the other."""
        return _core.copy_tree(self.source_fd, source, self.target_fd, target, **rules)

    def digest(self, path: str = "", **rules: Any) -> str:
        """Digest the source."""
        return _core.digest_tree(self.source_fd, path, **rules)


@pytest.fixture
def ends(folder: Path) -> Iterator[Ends]:
    """Two empty roots."""
    paths = [folder / name for name in ("source", "target", "outside")]
    for path in paths:
        path.mkdir()
    fds = [os.open(path, os.O_RDONLY) for path in paths[:2]]
    yield Ends(paths[0], paths[1], paths[2], fds[0], fds[1])
    for fd in fds:
        os.close(fd)


def tree(root: Path) -> dict[str, tuple[int, str]]:
    """Return mode and content of all that is below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_text() if path.is_file() else ""
        found[str(path.relative_to(root))] = (stat.S_IMODE(status.st_mode), content)
    return found


def test_a_tree_is_copied_with_modes_times_links_and_holes(ends: Ends) -> None:
    (ends.source / "a" / "b").mkdir(parents=True, mode=0o750)
    (ends.source / "a" / "b" / "file").write_text("text")
    (ends.source / "a" / "program").write_text("#!")
    (ends.source / "a" / "program").chmod(0o4755)
    (ends.source / "a" / "link").symlink_to("/nowhere")
    os.link(ends.source / "a" / "program", ends.source / "a" / "b" / "again")
    with open(ends.source / "sparse", "wb") as file:
        file.truncate(4 << 20)
        file.seek(1 << 20)
        file.write(b"x" * 4096)
    os.utime(ends.source / "a", (1, 2))
    os.utime(ends.source / "a" / "b" / "file", (1, 3))
    ends.copy(target="/new/place")
    copied = ends.target / "new" / "place"
    assert tree(copied) == tree(ends.source)
    assert (copied / "a").stat().st_mtime == 2
    assert (copied / "a" / "b" / "file").stat().st_mtime == 3
    assert (copied / "a" / "b" / "again").stat().st_ino == (copied / "a" / "program").stat().st_ino
    assert (copied / "sparse").stat().st_blocks * 512 < 1 << 20
    assert (copied / "sparse").read_bytes() == (ends.source / "sparse").read_bytes()


def test_owner_and_mode_can_be_replaced_and_new_parents_have_the_owner(ends: Ends) -> None:
    (ends.source / "d").mkdir()
    (ends.source / "d" / "file").write_text("")
    ends.copy("d", "/one/two", uid=7, gid=8, mode="u=rwX,go=rX")
    owners = {path.name: (path.stat().st_uid, path.stat().st_gid) for path in ends.target.rglob("*")}
    assert owners == {name: (7, 8) for name in ("one", "two", "file")}
    assert stat.S_IMODE((ends.target / "one" / "two" / "file").stat().st_mode) == 0o644


def test_attributes_of_the_file_are_kept_and_those_of_the_host_are_not(ends: Ends) -> None:
    (ends.source / "file").write_text("")
    os.setxattr(ends.source / "file", "user.note", b"kept")
    os.setxattr(ends.source / "file", "trusted.note", b"not kept")
    os.setxattr(ends.source / "file", "user.overlay.opaque", b"y")
    ends.copy()
    assert os.listxattr(ends.target / "file") == ["user.note"]


@pytest.mark.parametrize(
    ("target", "lands"),
    [("/name", "name"), ("/folder", "folder/file"), ("/new/", "new/file"), ("name/../x", "x")],
)
def test_a_file_becomes_the_target_or_goes_into_it(ends: Ends, target: str, lands: str) -> None:
    (ends.source / "file").write_text("text")
    (ends.target / "folder").mkdir()
    ends.copy("file", target)
    assert (ends.target / lands).read_text() == "text"


def test_a_folder_merges_with_what_is_there_and_leaves_its_top_as_it_was(ends: Ends) -> None:
    (ends.source / "lib").mkdir(mode=0o700)
    (ends.source / "lib" / "new").write_text("new")
    (ends.target / "usr" / "lib").mkdir(parents=True)
    (ends.target / "usr" / "lib" / "old").write_text("old")
    (ends.target / "lib").symlink_to("usr/lib")
    ends.target.chmod(0o711)
    ends.copy()
    assert (ends.target / "lib").is_symlink()
    assert {path.name for path in (ends.target / "usr" / "lib").iterdir()} == {"new", "old"}
    assert stat.S_IMODE(ends.target.stat().st_mode) == 0o711


def test_a_link_in_the_way_is_replaced_and_not_written_through(ends: Ends) -> None:
    (ends.outside / "victim").write_text("whole")
    (ends.source / "file").write_text("new")
    (ends.target / "file").symlink_to(ends.outside / "victim")
    ends.copy()
    assert not (ends.target / "file").is_symlink()
    assert (ends.outside / "victim").read_text() == "whole"


@pytest.mark.parametrize("link", ["{outside}", "../outside", "../../../../../../../../../{outside}"])
def test_a_link_of_the_target_never_leads_outside(ends: Ends, link: str) -> None:
    (ends.source / "d" / "e").mkdir(parents=True)
    (ends.source / "d" / "e" / "file").write_text("")
    (ends.target / "d").symlink_to(link.format(outside=ends.outside))
    ends.copy()
    ends.copy("d", "/d/more")
    ends.copy("d/e/file", "d/alone")
    assert list(ends.outside.iterdir()) == []


@pytest.mark.parametrize("path", ["link", "link/secret", "../outside/secret", "up/secret"])
def test_a_link_of_the_source_never_leads_outside(ends: Ends, path: str) -> None:
    (ends.outside / "secret").write_text("secret")
    (ends.source / "link").symlink_to(ends.outside)
    (ends.source / "up").symlink_to("../outside")
    with pytest.raises(TreeInvalid) as caught:
        ends.copy(path)
    assert caught.value.errno == 2
    assert list(ends.target.iterdir()) == []


def test_a_link_named_as_the_source_is_followed_inside_the_root(ends: Ends) -> None:
    (ends.source / "real").write_text("text")
    (ends.source / "link").symlink_to("/real")
    ends.copy("link", "/there/")
    assert (ends.target / "there" / "link").read_text() == "text"
    assert not (ends.target / "there" / "link").is_symlink()


def test_what_cannot_be_merged_is_refused_in_words(ends: Ends) -> None:
    (ends.source / "x").mkdir()
    (ends.target / "x").write_text("")
    with pytest.raises(TreeInvalid, match='^cannot copy the folder "x" over the file "x"$'):
        ends.copy()
    (ends.source / "y").write_text("")
    (ends.target / "y").mkdir()
    (ends.source / "x").rmdir()
    with pytest.raises(TreeInvalid, match='^cannot copy "y" over a folder of this name$'):
        ends.copy()


def test_a_device_that_means_a_deleted_file_is_refused(ends: Ends) -> None:
    os.mknod(ends.source / "gone", stat.S_IFCHR | 0o600, 0)
    with pytest.raises(TreeInvalid, match="device 0:0"):
        ends.copy()


def test_patterns_leave_out_and_take_back_in(ends: Ends) -> None:
    for name in ("a.o", "a.c", "modules/x/big", "modules/keep/me", ".git/config"):
        (ends.source / name).parent.mkdir(parents=True, exist_ok=True)
        (ends.source / name).write_text("")
    patterns = ["**/*.o", ".git", "modules", "!modules/keep/me"]
    ends.copy(target="/ignored", ignored=patterns)
    ends.copy(target="/excluded", excluded=patterns)
    wanted = ["a.c", "modules", "modules/keep", "modules/keep/me"]
    for name in ("ignored", "excluded"):
        assert sorted(tree(ends.target / name)) == wanted
    with pytest.raises(TreeInvalid) as caught:
        ends.copy(".git/config", "/", ignored=patterns)
    assert caught.value.hint == "the ignore file leaves it out"


@pytest.mark.parametrize(
    "path",
    ["link", "link/a", "sub/../real", "real/../real/a", "file", "chain", "hidden", "hidden/x", "real/."],
)
def test_no_way_leads_to_what_is_left_out(ends: Ends, path: str) -> None:
    """Patterns are held against where a path leads, and against each link on the way."""
    for name in ("real/a", "sub/b", "open/x"):
        (ends.source / name).parent.mkdir(exist_ok=True)
        (ends.source / name).write_text("secret")
    for name, target in {"link": "real", "file": "real/a", "chain": "sub/file", "hidden": "open"}.items():
        (ends.source / name).symlink_to(target)
    (ends.source / "sub" / "file").symlink_to("../file")
    for take in (ends.copy, ends.digest):
        with pytest.raises(TreeInvalid) as caught:
            take(path, ignored=["real", "hidden"])
        assert (caught.value.errno, caught.value.hint) == (2, "the ignore file leaves it out")
    assert list(ends.target.iterdir()) == []


@pytest.mark.parametrize("path", ["..", "sub/..", "link", "sub/../../."])
def test_a_folder_reached_by_a_detour_is_copied_without_what_is_left_out(ends: Ends, path: str) -> None:
    for name in ("secret", "sub/secret", "sub/open"):
        (ends.source / name).parent.mkdir(exist_ok=True)
        (ends.source / name).write_text("")
    (ends.source / "link").symlink_to("sub")
    ends.copy(path, ignored=["secret", "sub/secret"])
    whole = ["link", "sub", "sub/open"]
    assert sorted(tree(ends.target)) == (["open"] if path == "link" else whole)


def test_a_digest_is_of_all_but_times(ends: Ends) -> None:
    (ends.source / "file").write_text("one")
    before = ends.digest()
    os.utime(ends.source / "file", (5, 5))
    assert ends.digest() == before == ends.digest(threads=1)
    changes: dict[str, Callable[[], object]] = {
        "content": lambda: (ends.source / "file").write_text("two"),
        "mode": lambda: (ends.source / "file").chmod(0o600),
        "owner": lambda: os.chown(ends.source / "file", 9, 9),
        "attribute": lambda: os.setxattr(ends.source / "file", "user.note", b""),
        "name": lambda: (ends.source / "file").rename(ends.source / "other"),
        "link": lambda: os.link(ends.source / "other", ends.source / "again"),
        "kind": lambda: os.mkfifo(ends.source / "fifo"),
    }
    seen = [before]
    for change in changes.values():
        change()
        seen.append(ends.digest())
    assert len(set(seen)) == len(seen)


def test_a_digest_without_ids_takes_no_notice_of_owners(ends: Ends) -> None:
    (ends.source / "file").write_text("")
    before = ends.digest(ids=False)
    os.chown(ends.source / "file", 9, 9)
    assert ends.digest(ids=False) == before


def test_a_digest_of_a_copy_is_that_of_its_source(ends: Ends) -> None:
    for number in range(300):
        (ends.source / f"d{number % 7}").mkdir(exist_ok=True)
        (ends.source / f"d{number % 7}" / f"f{number}").write_text(str(number))
    entries, size = ends.copy(target="/copy")
    assert (entries, size) == (308, sum(len(str(number)) for number in range(300)))
    assert _core.digest_tree(ends.target_fd, "copy") == ends.digest()


def test_a_fifo_is_copied_and_does_not_hold_the_copy_up(ends: Ends) -> None:
    os.mkfifo(ends.source / "fifo")
    ends.copy()
    assert stat.S_ISFIFO((ends.target / "fifo").stat().st_mode)


def test_a_folder_is_made_with_its_parents_and_said_where_it_is(ends: Ends) -> None:
    (ends.target / "var").symlink_to("real")
    assert _core.make_folder(ends.target_fd, "/var/a/../b", uid=3, gid=4) == ("real/b", True)
    assert _core.make_folder(ends.target_fd, "/real/b") == ("real/b", False)
    made = (ends.target / "real" / "b").stat()
    assert (made.st_uid, made.st_gid, stat.S_IMODE(made.st_mode)) == (3, 4, 0o755)
