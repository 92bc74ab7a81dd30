# SPDX-License-Identifier: Apache-2.0
"""Trees that COPY takes from: the build context, a stage, an image. Each is a root behind a descriptor.

Names with wildcards are found here, by the rules of Go's filepath.Match, which other builders have; everything else
is the copier's (estiba._core), which follows links inside the root and never out of it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Self

from estiba.build import ignore, wildcards
from estiba.images import trees
from estiba.rootfs import inside
from estiba.spec.words import quote

SPECIAL = frozenset("*?[\\")


class Tree:
    """A root to copy from. A context: it holds the descriptor."""

    def __init__(self, fd: int, name: str, *, ignored: ignore.Ignore | None = None, keeps_ids: bool) -> None:
        self.fd = fd
        """Of the root; closed by `close`."""
        self.name = name
        """For messages: "the build context", `stage "base"`."""
        self.ignored = ignored or ignore.Ignore("", ())
        self.keeps_ids = keeps_ids
        """Whether owners mean something elsewhere: not those of the build context's files."""
        self._digests: dict[tuple[str, tuple[str, ...]], str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the root. Idempotent."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def digest(self, path: str, excluded: tuple[str, ...] = ()) -> str:
        """Return the digest of what a copy of `path` would bring. Raises TreeInvalid, KernelRefused."""
        key = (path, excluded)
        if key not in self._digests:
            self._digests[key] = trees.digest_tree(
                self.fd, path, ids=self.keeps_ids, ignored=self.ignored.patterns, excluded=excluded
            )
        return self._digests[key]

    def is_folder(self, path: str) -> bool:
        """Tell whether `path` leads to a folder; False where it leads nowhere."""
        try:
            found = inside.open_inside(self.fd, path)
        except OSError:
            return False
        try:
            return stat.S_ISDIR(os.fstat(found).st_mode)
        finally:
            os.close(found)

    def expand(self, pattern: str) -> list[str]:
        """Return the paths that a source names, sorted; a name without wildcards is itself, there or not."""
        if not SPECIAL & set(pattern):
            return [pattern]
        names = [name for name in pattern.split("/") if name not in ("", ".")]
        return sorted(path for path in self._matching("", names) if self.rule_against(path) is None)

    def rule_against(self, path: str) -> ignore.Rule | None:
        """Return the rule of the ignore file that leaves out `path`, or what it leads to."""
        if not self.ignored.rules:
            return None
        places = [place for place in (ignore.clean(path), self._real(path)) if place]
        return next(filter(None, map(self.ignored.deciding, places)), None)

    def _matching(self, folder: str, names: list[str]) -> Iterator[str]:
        if not names:
            yield folder
            return
        first, *rest = names
        if not SPECIAL & set(first):
            yield from self._matching(f"{folder}/{first}".lstrip("/"), rest)
            return
        tokens = wildcards.read(first)
        for name in self._names(folder):
            if wildcards.matches(tokens, name):
                path = f"{folder}/{name}".lstrip("/")
                if not rest or self.is_folder(path):
                    yield from self._matching(path, rest)

    def _names(self, folder: str) -> list[str]:
        try:
            found = inside.open_inside(self.fd, folder)
        except OSError:
            return []
        try:
            opened = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=found)
        except OSError:
            return []
        finally:
            os.close(found)
        try:
            return os.listdir(opened)
        finally:
            os.close(opened)

    def why_left_out(self, path: str) -> str | None:
        """Say which line of the ignore file leaves a source out, if one does."""
        rule = self.rule_against(path)
        return f"line {rule.line} of {self.ignored.file} leaves it out: {quote(str(rule))}" if rule else None

    def _real(self, path: str) -> str:
        """Return where a path leads to, from the root and without links; "" if it is the root, or nowhere."""
        try:
            found = inside.open_inside(self.fd, path)
        except OSError:
            return ""
        try:
            root, real = (os.readlink(f"/proc/self/fd/{fd}") for fd in (self.fd, found))
        finally:
            os.close(found)
        return os.path.relpath(real, root) if real != root else ""
