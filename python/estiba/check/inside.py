# SPDX-License-Identifier: Apache-2.0
"""Paths as the container will see them: in the root file system, below its bind mounts, links kept inside."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from estiba.errors import Problem
from estiba.spec.mounts import BIND
from estiba.spec.node import Node

LINKS = 40
"""As many symbolic links as the kernel follows in one path (path_resolution(7))."""


class _Mount(NamedTuple):
    destination: str
    shown: Path | None
    """What the host has there; None for a file system whose content is not known."""
    forbids_execution: bool


class Inside:
    """The container's file tree, as far as it can be known before it is made."""

    def __init__(self, bundle: Path, config: Node) -> None:
        self.root = bundle / config.at("root", "path").text()
        self._pointer = config.at("root", "path")
        self._mounts: list[_Mount] = []
        for mount in config.at("mounts").items():
            destination = posixpath.normpath("/" + mount.at("destination").text().lstrip("/"))
            options = mount.at("options").texts()
            is_bind = any(option in BIND for option in options)
            said = [option for option in options if option in ("exec", "noexec")]
            shown = bundle / mount.at("source").text() if is_bind else None
            self._mounts.append(_Mount(destination, shown, said[-1:] == ["noexec"]))

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
        return self._shown_at(self._resolved(path))

    def forbids_execution(self, path: str) -> bool:
        """Return whether the mount that `path` lies on has noexec. Raises FileNotFoundError."""
        mount = self._mount_of(self._resolved(path))
        return mount is not None and mount.forbids_execution

    def _resolved(self, path: str) -> str:
        """Follow the links of a path, as far as they can be known."""
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
                return posixpath.join(at, *parts[::-1])
            if host.is_symlink():
                links += 1
                if links > LINKS:
                    raise FileNotFoundError(path)
                target = os.readlink(host)
                at = "/" if target.startswith("/") else posixpath.dirname(at)
                parts += target.split("/")[::-1]
            elif not host.exists():
                raise FileNotFoundError(path)
        return at

    def _shown_at(self, path: str) -> Path | None:
        mount = self._mount_of(path)
        if mount is None:
            return self.root / posixpath.relpath(path, "/")
        return None if mount.shown is None else mount.shown / posixpath.relpath(path, mount.destination)

    def _mount_of(self, path: str) -> _Mount | None:
        """The mount that a path lies on: the longest destination, the last one of its kind; None for the root."""
        best: _Mount | None = None
        for mount in self._mounts:
            below = path == mount.destination or path.startswith(mount.destination.rstrip("/") + "/")
            if below and len(mount.destination) >= len(best.destination if best else "/"):
                best = mount
        return best
