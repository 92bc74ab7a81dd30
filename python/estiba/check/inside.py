# SPDX-License-Identifier: Apache-2.0
"""Paths as the container will see them: in the root file system, below its bind mounts, links kept inside."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from estiba.errors import Problem
from estiba.spec.mounts import BIND
from estiba.spec.node import Node

LINKS = 40
"""As many symbolic links as the kernel follows in one path (path_resolution(7))."""


class Inside:
    """The container's file tree, as far as it can be known before it is made."""

    def __init__(self, bundle: Path, config: Node) -> None:
        self.root = bundle / config.at("root", "path").text()
        self._pointer = config.at("root", "path")
        self._mounts: list[tuple[str, Path | None]] = []
        """Destination, and what is shown there; None for a file system whose content is not known."""
        for mount in config.at("mounts").items():
            destination = posixpath.normpath("/" + mount.at("destination").text().lstrip("/"))
            is_bind = any(option in BIND for option in mount.at("options").texts())
            self._mounts.append((destination, bundle / mount.at("source").text() if is_bind else None))

    def root_problems(self) -> Iterator[Problem]:
        """Judge the root file system itself."""
        if self.root.is_dir():
            return
        what = "not a folder" if self.root.exists() else "absent"
        hint = "root.path is relative to the bundle: put the files there, or name another folder"
        yield self._pointer.problem(f'the root file system "{self.root}" is {what}', hint)

    def find(self, path: str) -> Path | None:
        """Return where the host has what the container sees at `path`.

        None where it is not to be known: on a file system that is yet to be mounted. Raises FileNotFoundError.
        """
        parts, at, links = path.split("/")[::-1], "/", 0
        while parts:
            part = parts.pop()
            if part in ("", "."):
                continue
            if part == "..":
                at = posixpath.dirname(at)
                continue
            at = posixpath.join(at, part)
            host = self._shown_at(at)
            if host is None:
                return None
            if host.is_symlink():
                links += 1
                if links > LINKS:
                    raise FileNotFoundError(path)
                target = os.readlink(host)
                at = "/" if target.startswith("/") else posixpath.dirname(at)
                parts += target.split("/")[::-1]
            elif not host.exists():
                raise FileNotFoundError(path)
        return self._shown_at(at)

    def _shown_at(self, path: str) -> Path | None:
        best, shown = "/", self.root
        found: Path | None = shown
        for destination, source in self._mounts:
            if (path == destination or path.startswith(destination.rstrip("/") + "/")) and len(
                destination
            ) >= len(best):
                best, found = destination, source
        return None if found is None else found / posixpath.relpath(path, best)
