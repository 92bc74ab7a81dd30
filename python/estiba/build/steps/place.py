# SPDX-License-Identifier: Apache-2.0
"""The folder of one step: its upper layer, and what it needs beside it for a while."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from estiba.images import snapshots

if TYPE_CHECKING:
    from threading import Lock


class Place:
    """Made empty. `upper` becomes the layer's folder."""

    def __init__(
        self, path: str, lowers: Callable[[], list[str]], *, is_rootless: bool, moving: Lock
    ) -> None:
        os.mkdir(path, 0o700)
        self.path = path
        self.is_rootless = is_rootless
        self._lowers, self._moving = lowers, moving
        self.folder("layer")
        self.upper = self.folder("layer/fs")
        self._begun: tuple[int, int, int] | None = None
        """Mode and owner of the root before the step."""

    def folder(self, name: str) -> str:
        """Make a folder beside the layer and return its path."""
        path = os.path.join(self.path, name)
        os.mkdir(path, 0o700)
        return path

    def small_folder(self, name: str) -> str:
        """Make a folder for what is small and gone with the step, in memory where that can be had."""
        if self.is_rootless:
            return self.folder(name)
        above, number = os.path.split(self.path)
        path = os.path.join(snapshots.memory(above), f"{number}-{name}")
        os.mkdir(path, 0o700)
        return path

    @property
    def is_changed(self) -> bool:
        """Whether the step has put anything into the layer, or changed the root's mode or owner."""
        with os.scandir(self.upper) as entries:
            return any(True for _ in entries) or self._begun not in (None, self._root())

    @contextmanager
    def opened(self) -> Iterator[int]:
        """Give the root of the tree as the step may change it, mounted nowhere."""
        with ExitStack() as stack:
            with self._moving:
                lowers = [self.folder("nothing"), *self._ready()]
                work = self.folder("work")
                made = snapshots.opened(lowers, self.upper, work, is_rootless=self.is_rootless)
                root = stack.enter_context(made)
            yield root

    @contextmanager
    def mounted(self, stubs: str) -> Iterator[str]:
        """Mount the tree as the step may change it, `stubs` below all else; give where."""
        snapshots.private_mounts()
        target, work = self.small_folder("merged"), self.folder("work")
        with ExitStack() as stack:
            with self._moving:
                lowers = [stubs, *self._ready()]
                made = snapshots.mounted(target, lowers, self.upper, work, is_rootless=self.is_rootless)
                stack.enter_context(made)
            yield target

    def _ready(self) -> list[str]:
        """Return the layers below; the root of the stack looks as theirs does."""
        lowers = self._lowers()
        status = os.stat(lowers[-1]) if lowers else None
        os.chmod(self.upper, status.st_mode & 0o7777 if status else 0o755)
        if status and not self.is_rootless:
            os.chown(self.upper, status.st_uid, status.st_gid)
        self._begun = self._root()
        return lowers

    def _root(self) -> tuple[int, int, int]:
        status = os.stat(self.upper)
        return status.st_mode, status.st_uid, status.st_gid
