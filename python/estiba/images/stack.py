# SPDX-License-Identifier: Apache-2.0
"""A stack of layers' folders, looked at as one tree without mounting it: names as overlayfs looks them up.

A layer may be the upper folder of a running container, whose program is not trusted: every path is walked from the
layer's descriptor, part by part, and no link is followed.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple, Self

from estiba.errors import StoreError, cause

if TYPE_CHECKING:
    from collections.abc import Sequence


class Entry(NamedTuple):
    """What a stack has at a path."""

    status: os.stat_result
    layers: tuple[int, ...]
    """The positions in the stack that have it, top first: of a folder all that make it up, else one."""


class Stack:
    """Layers' folders, bottom to top, as one tree. A context: it holds one descriptor a layer."""

    def __init__(self, folders: Sequence[str], *, overlay: str = "trusted") -> None:
        """Open the folders; `overlay` says whose attributes mark them (`Store.overlay`). Raises StoreError."""
        self.folders = tuple(folders)
        self._opaque = f"{overlay}.overlay.opaque"
        self._roots: list[int] = []
        try:
            for folder in folders:
                self._roots.append(os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        except OSError as error:
            self.close()
            raise StoreError(f'layer "{folder}": {cause(error.errno)}', errno=error.errno) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the descriptors. Idempotent."""
        while self._roots:
            os.close(self._roots.pop())

    def root(self) -> Entry | None:
        """Return the root; None for a stack without layers."""
        if not self._roots:
            return None
        top = len(self._roots) - 1
        return Entry(os.fstat(self._roots[top]), tuple(range(top, -1, -1)))

    def children(self, path: str, entry: Entry) -> dict[str, Entry]:
        """Return what a folder has, by name."""
        found: dict[str, Entry] = {}
        hidden: set[str] = set()
        """Names that no lower layer adds to any more."""
        for layer in entry.layers:
            descriptor = self._open(layer, path, os.O_RDONLY | os.O_DIRECTORY)
            if descriptor is None:
                continue
            try:
                for name in os.listdir(descriptor):
                    if name not in hidden:
                        self._see(descriptor, layer, name, found, hidden)
            finally:
                os.close(descriptor)
        return found

    def place(self, entry: Entry) -> tuple[str, ...]:
        """Return the folders in which the entry is: the same places mean the same entry."""
        return tuple(self.folders[layer] for layer in entry.layers)

    def open(self, path: str, entry: Entry, flags: int) -> int | None:
        """Return a descriptor for the topmost of an entry, None if it is gone meanwhile."""
        return self._open(entry.layers[0], path, flags | os.O_NOFOLLOW)

    def read_link(self, path: str, entry: Entry) -> str | None:
        """Return the target of a symbolic link, None if it is gone meanwhile."""
        descriptor = self.open(path, entry, os.O_PATH)
        if descriptor is None:
            return None
        try:
            return os.readlink("", dir_fd=descriptor)
        except OSError:
            return None
        finally:
            os.close(descriptor)

    def _see(self, folder: int, layer: int, name: str, found: dict[str, Entry], hidden: set[str]) -> None:
        """Take one name of one layer in: above it there is nothing, or a folder that it may add to."""
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return
        above = found.get(name)
        if not stat.S_ISDIR(status.st_mode):
            hidden.add(name)
            if above is None and not is_whiteout(status):
                found[name] = Entry(status, (layer,))
            return
        found[name] = (
            Entry(status, (layer,)) if above is None else above._replace(layers=(*above.layers, layer))
        )
        if self._is_opaque(folder, name):
            hidden.add(name)

    def _is_opaque(self, folder: int, name: str) -> bool:
        try:
            descriptor = os.open(
                name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder
            )
        except OSError:
            return False
        try:
            return os.getxattr(descriptor, self._opaque) == b"y"
        except OSError:
            return False
        finally:
            os.close(descriptor)

    def _open(self, layer: int, path: str, flags: int) -> int | None:
        """Open a path of a layer, part by part from its root; None if a part is absent or no folder any more."""
        descriptor = os.dup(self._roots[layer])
        parts = [part for part in path.split("/") if part]
        try:
            for position, part in enumerate(parts):
                last = position == len(parts) - 1
                mode = flags if last else os.O_PATH | os.O_DIRECTORY
                inner = os.open(part, mode | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
        except OSError:
            os.close(descriptor)
            return None
        return descriptor


def is_whiteout(status: os.stat_result) -> bool:
    """Return whether this is overlay's mark for a removed name (kernel, filesystems/overlayfs.rst)."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0
