# SPDX-License-Identifier: Apache-2.0
"""Stacked folders: what is seen, what takes the changes, how many, and who sees the mount."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import closing
from errno import EINVAL
from pathlib import Path

import pytest

from estiba import _core
from estiba.errors import HostUnsupported, KernelRefused, TreeInvalid
from support.refusing import in_child

FSCONFIG = 431
CREATE = 6


class Stack:
    """Layers with a file each, and what a writable stack needs beside them."""

    def __init__(self, folder: Path, count: int, name: str = "layer") -> None:
        self.lowers = [folder / f"{name}{number}" for number in range(count)]
        for number, lower in enumerate(self.lowers):
            lower.mkdir(parents=True)
            (lower / f"file{number}").write_text(str(number))
            (lower / "top").write_text(str(number))
        self.upper, self.work, self.merged = folder / "upper", folder / "work", folder / "merged"
        for made in (self.upper, self.work, self.merged):
            made.mkdir()

    def open(self, *, writable: bool = True, volatile: bool = False) -> closing[Opened]:
        """Open the stack as a mount that is nowhere."""
        above = (str(self.upper), str(self.work)) if writable else (None, None)
        return closing(
            Opened(_core.open_overlay([str(lower) for lower in self.lowers], *above, volatile=volatile))
        )


class Opened:
    """A tree behind a descriptor."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def read(self, name: str) -> str:
        """Read a file of it."""
        with open(name, opener=lambda path, flags: os.open(path, flags, dir_fd=self.fd)) as file:
            return file.read()

    def write(self, name: str, text: str) -> None:
        """Write a file of it."""
        opener: Callable[[str, int], int] = lambda path, flags: os.open(path, flags, 0o644, dir_fd=self.fd)
        with open(name, "w", opener=opener) as file:
            file.write(text)

    def names(self) -> list[str]:
        """List it."""
        return sorted(os.listdir(self.fd))

    def close(self) -> None:
        """Let it go."""
        os.close(self.fd)


def test_a_higher_layer_hides_a_lower_one(folder: Path) -> None:
    with Stack(folder, 3).open() as tree:
        assert tree.read("top") == "2"
        assert tree.names() == ["file0", "file1", "file2", "top"]


def test_changes_go_to_the_upper_folder_and_nowhere_else(folder: Path) -> None:
    stack = Stack(folder, 2)
    with stack.open(volatile=True) as tree:
        tree.write("top", "changed")
        os.unlink("file0", dir_fd=tree.fd)
    assert (stack.upper / "top").read_text() == "changed"
    assert (stack.upper / "file0").is_char_device()
    assert (stack.lowers[1] / "top").read_text() == "1"
    assert sorted(os.listdir(stack.upper)) == ["file0", "top"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_stack_without_an_upper_folder_cannot_be_changed(folder: Path, count: int) -> None:
    with Stack(folder, count).open(writable=False) as tree:
        assert tree.read("top") == str(count - 1)
        with pytest.raises(OSError, match="Read-only file system"):
            tree.write("new", "")


def test_five_hundred_layers_are_stacked(folder: Path) -> None:
    with Stack(folder, 500).open() as tree:
        assert (tree.read("file0"), tree.read("top")) == ("0", "499")


def test_more_layers_than_the_kernel_takes_are_refused_in_words(folder: Path) -> None:
    with pytest.raises(HostUnsupported) as caught:
        _core.open_overlay([str(folder)] * 501)
    assert caught.value.message == "cannot stack 501 layers: this kernel takes 500"
    assert caught.value.hint == "squash some of the image's layers into one"


@pytest.mark.parametrize(
    "name", ["with:colon", "with,comma", "with\\backslash", "long" * 60 + "/" + "path" * 60]
)
def test_any_path_can_be_a_layer(folder: Path, name: str) -> None:
    with Stack(folder / "odd", 2, name).open() as tree:
        assert tree.read("top") == "1"


def test_no_layer_at_all_is_refused() -> None:
    with pytest.raises(TreeInvalid, match="^an overlay needs at least one lower folder$"):
        _core.open_overlay([])


def test_a_missing_layer_is_named(folder: Path) -> None:
    with pytest.raises(KernelRefused, match="cannot stack 2 layers: .*ENOENT"):
        _core.open_overlay([str(folder), str(folder / "gone")])


def test_what_a_thread_mounts_privately_nobody_else_sees_and_its_end_unmounts(folder: Path) -> None:
    stack = Stack(folder, 2)
    seen: list[str] = []

    def work() -> None:
        _core.private_mounts()
        lowers = [str(lower) for lower in stack.lowers]
        _core.mount_overlay(str(stack.merged), lowers, str(stack.upper), str(stack.work))
        seen.append((stack.merged / "top").read_text())
        (stack.merged / "new").write_text("new")
        mounted.set()
        looked.wait(10)

    mounted, looked = threading.Event(), threading.Event()
    thread = threading.Thread(target=work)
    thread.start()
    assert mounted.wait(10)
    elsewhere = os.listdir(stack.merged)
    looked.set()
    thread.join()
    assert seen == ["1"]
    assert elsewhere == []
    assert (stack.upper / "new").read_text() == "new"


def test_an_overlay_is_unmounted_by_its_place(folder: Path) -> None:
    stack = Stack(folder, 2)
    _core.mount_overlay(str(stack.merged), [str(lower) for lower in stack.lowers])
    assert (stack.merged / "top").read_text() == "1"
    _core.unmount(str(stack.merged))
    assert os.listdir(stack.merged) == []


def test_a_kernel_without_lowerdir_plus_stacks_by_one_string(folder: Path) -> None:
    stack = Stack(folder, 127, "a-name-too-long-for-a-page-of-text" * 3)

    def work() -> None:
        with stack.open(volatile=True) as tree:
            assert (tree.read("file0"), tree.read("top")) == ("0", "126")
            tree.write("new", "new")
        with stack.open(writable=False) as tree, pytest.raises(OSError, match="Read-only"):
            tree.write("new", "new")

    in_child(work, call=FSCONFIG, second=CREATE, errno=EINVAL)
    assert (stack.upper / "new").read_text() == "new"


def test_a_kernel_without_lowerdir_plus_takes_127_layers_and_says_so(folder: Path) -> None:
    stack = Stack(folder, 128)

    def work() -> None:
        with pytest.raises(HostUnsupported) as caught:
            stack.open()
        assert caught.value.message == "cannot stack 128 layers: this kernel takes 127"
        assert caught.value.hint == "Linux 6.5 and newer stack up to 500"

    in_child(work, call=FSCONFIG, second=CREATE, errno=EINVAL)


def test_a_mount_in_memory_is_of_the_thread_and_leaves_nothing_on_the_disk(folder: Path) -> None:
    place = folder / "secrets"
    place.mkdir()

    def work() -> None:
        _core.private_mounts()
        _core.mount_memory(str(place))
        (place / "secret").write_text("secret")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert os.listdir(place) == []
