# SPDX-License-Identifier: Apache-2.0
"""Wait until a name appears in a folder, by inotify(7)."""

from __future__ import annotations

import ctypes
import os
import select
from pathlib import Path
from types import TracebackType
from typing import Self

from support.processes import PATIENCE

IN_CREATE = 0x100


class Appearing:
    """A watch over a folder, from its beginning on."""

    def __init__(self, folder: Path) -> None:
        self._libc, self._folder = ctypes.CDLL(None, use_errno=True), folder

    def __enter__(self) -> Self:
        self._watch = self._checked(self._libc.inotify_init1(os.O_CLOEXEC))
        self._checked(self._libc.inotify_add_watch(self._watch, os.fsencode(self._folder), IN_CREATE))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._watch)

    def wait_for(self, name: str, seconds: float = 20.0) -> None:
        """Wait until the name is there."""
        while not (self._folder / name).exists():
            ready, _, _ = select.select([self._watch], [], [], seconds * PATIENCE)
            assert ready, f"{name} has not appeared in {self._folder}: {os.listdir(self._folder)}"
            os.read(self._watch, 65536)

    def _checked(self, result: int) -> int:
        if result < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        return result
