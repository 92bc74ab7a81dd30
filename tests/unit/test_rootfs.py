# SPDX-License-Identifier: Apache-2.0
"""Files inside a root file system: found as a container would find them, never outside; users by its own files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba.errors import ArgumentInvalid
from estiba.rootfs.inside import open_inside, read_inside
from estiba.rootfs.remove import remove_tree
from estiba.rootfs.users import find_group, find_user

PASSWD = """\
# a comment
root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:An App:/home/app:/bin/sh
33:x:44:45::/odd:/bin/sh
broken
www-data:x:33:33::/var/www:/bin/false
big:x:99999999999999999999999:0::/:
"""
GROUP = """\
root:x:0:
app:x:1001:
staff:x:50:app,www-data
audio:x:29:app
nothing:x::app
1001:x:7:
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    """A root file system with users, held by a descriptor; what is beside it must never be seen."""
    tree = tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc/passwd").write_text(PASSWD)
    (tree / "etc/group").write_text(GROUP)
    (tmp_path / "secret").write_text("outside")
    (tree / "secret").write_text("inside")
    descriptor = os.open(tree, os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def tree_of(root: int) -> Path:
    """Return where the root file system is."""
    return Path(os.readlink(f"/proc/self/fd/{root}"))


@pytest.mark.parametrize(
    "target", ["../secret", "/../secret", "../../../../secret", "/secret", "etc/../../secret", "./secret"]
)
def test_a_link_stays_inside(root: int, target: str) -> None:
    """Absolute or with any number of dots."""
    (tree_of(root) / "link").symlink_to(target)
    assert read_inside(root, "/link", 100) == b"inside"


def test_a_link_to_a_folder_in_the_middle_stays_inside(root: int) -> None:
    """`/up/../secret` is looked up from where the link has led."""
    tree = tree_of(root)
    (tree / "a/b").mkdir(parents=True)
    (tree / "a/secret").write_text("beside b")
    (tree / "up").symlink_to("/a/b")
    assert read_inside(root, "up/../secret", 100) == b"beside b"


def test_links_in_a_circle_end(root: int) -> None:
    """ELOOP, as the kernel says."""
    (tree_of(root) / "one").symlink_to("two")
    (tree_of(root) / "two").symlink_to("one")
    with pytest.raises(OSError) as caught:
        open_inside(root, "/one")
    assert caught.value.errno == errno.ELOOP


@pytest.mark.parametrize(("path", "number"), [("/absent", errno.ENOENT), ("/secret/x", errno.ENOTDIR)])
def test_what_is_not_there_is_said_as_the_kernel_says_it(root: int, path: str, number: int) -> None:
    """And no descriptor stays open."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError) as caught:
        open_inside(root, path)
    assert caught.value.errno == number
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_fifo_is_not_waited_for(root: int) -> None:
    """A hostile image may have one for /etc/passwd."""
    os.mkfifo(tree_of(root) / "fifo")
    with pytest.raises(OSError) as caught:
        read_inside(root, "/fifo", 100)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    ("text", "uid", "gid", "additional", "home"),
    [
        ("", 0, 0, (0,), "/root"),
        ("root", 0, 0, (0,), "/root"),
        ("app", 1000, 1001, (29, 50, 1001), "/home/app"),
        ("1000", 1000, 1001, (29, 50, 1001), "/home/app"),
        ("app:staff", 1000, 50, (50,), "/home/app"),
        ("1000:50", 1000, 50, (50,), "/home/app"),
        ("app:12345", 1000, 12345, (12345,), "/home/app"),
        ("4242", 4242, 0, (0,), "/"),
        ("4242:staff", 4242, 50, (50,), "/"),
        ("33", 33, 33, (33, 50), "/var/www"),
        ("app:1001", 1000, 1001, (1001,), "/home/app"),
        (":50", 0, 50, (50,), "/root"),
    ],
)
def test_users_are_found_by_the_files_of_the_image(
    root: int, text: str, uid: int, gid: int, additional: tuple[int, ...], home: str
) -> None:
    """A number is an id, though something be named so (CVE-2016-3697); a group that is given leaves out the further ones."""
    user = find_user(root, text)
    assert (user.uid, user.gid, user.additional_gids, user.home) == (uid, gid, additional, home)


def test_without_the_files_numbers_still_work(tmp_path: Path) -> None:
    """An image from scratch has no /etc."""
    root = os.open(tmp_path, os.O_PATH)
    try:
        assert find_user(root, "7:8")[:3] == (7, 8, (8,))
        assert find_user(root, "")[:3] == (0, 0, (0,))
    finally:
        os.close(root)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("ap", 'user "ap" is not in /etc/passwd of the image', 'did you mean "app"?'),
        (
            "zzz",
            'user "zzz" is not in /etc/passwd of the image',
            "give a number, or a user that the image's /etc/passwd has",
        ),
        ("app:stuff", 'group "stuff" is not in /etc/group of the image', 'did you mean "staff"?'),
        ("4294967295", '"4294967295" is no user id: it is a number from 0 to 4294967294', None),
        ("0:4294967295", '"4294967295" is no group id: it is a number from 0 to 4294967294', None),
        ("big", 'user "big" is not in /etc/passwd of the image', None),
        ("-1", 'user "-1" is not in /etc/passwd of the image', None),
        ("nobody:nothing", 'user "nobody" is not in /etc/passwd of the image', None),
        ("app:nothing", '"" is no group id: it is a number from 0 to 4294967294', None),
    ],
)
def test_who_is_not_there_is_refused(root: int, text: str, message: str, hint: str | None) -> None:
    """With the name that was likely meant."""
    with pytest.raises(ArgumentInvalid) as caught:
        find_user(root, text)
    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint


def test_groups_are_found_alike(root: int) -> None:
    """By name and by number."""
    assert (find_group(root, "staff"), find_group(root, "51")) == (50, 51)


def test_a_tree_is_removed_however_deep_it_is(tmp_path: Path) -> None:
    """Deeper than a path may be long, than Python recurses, than descriptors last."""
    top = os.open(tmp_path, os.O_PATH)
    folder = os.dup(top)
    os.mkdir("tree", dir_fd=folder)
    for _level in range(3000):
        inner = os.open("tree", os.O_PATH, dir_fd=folder)
        os.close(folder)
        folder = inner
        os.mkdir("tree", dir_fd=folder)
        os.symlink("/etc/passwd", "link", dir_fd=folder)
    os.close(folder)
    os.close(top)
    remove_tree(tmp_path / "tree")
    assert list(tmp_path.iterdir()) == []


def test_what_links_of_a_removed_tree_lead_to_stays(tmp_path: Path) -> None:
    """Neither links nor a link in the tree's own place are followed."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").touch()
    (tmp_path / "tree/closed").mkdir(parents=True)
    (tmp_path / "tree/closed/file").touch()
    (tmp_path / "tree/closed").chmod(0)
    (tmp_path / "tree/link").symlink_to(tmp_path / "kept")
    os.mkfifo(tmp_path / "tree/fifo")
    remove_tree(tmp_path / "tree")
    (tmp_path / "instead").symlink_to(tmp_path / "kept")
    with pytest.raises(OSError):
        remove_tree(tmp_path / "instead")
    assert [path.name for path in sorted(tmp_path.rglob("*"))] == ["instead", "kept", "file"]
    remove_tree(tmp_path / "absent" / "too")
