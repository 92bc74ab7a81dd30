# SPDX-License-Identifier: Apache-2.0
"""Paths as the container will see them: in the root file system, below its bind mounts, links kept inside."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from estiba.check.presence import lacks, mode, resolved
from estiba.problems import Problem
from estiba.spec.mounts import BIND
from estiba.spec.node import Node

LINKS = 40
"""As many symbolic links as the kernel follows in one path (path_resolution(7))."""


class Mount(NamedTuple):
    """One mount, where it comes to lie."""

    destination: str
    """Its links resolved, as far as they can be known."""
    over: Path | None
    """What the host has there before; None where that is not known."""
    shown: Path | None
    """What the host has there; None for a file system whose content is not known."""
    forbids_execution: bool


class Inside:
    """The container's file tree, as far as it can be known before it is made."""

    def __init__(self, bundle: Path, config: Node) -> None:
        self.root = bundle / config.at("root", "path").text()
        self._pointer = config.at("root", "path")
        self.mounts: list[Mount] = []
        """One for each of the config, in its order."""
        for mount in config.at("mounts").items():
            destination = self._place(mount.at("destination").text())
            options = mount.at("options").texts()
            is_bind = any(option in BIND for option in options)
            said = [option for option in options if option in ("exec", "noexec")]
            shown = resolved(bundle / mount.at("source").text()) if is_bind else None
            over = self._shown_at(destination)
            self.mounts.append(Mount(destination, over, shown, said[-1:] == ["noexec"]))

    def root_problems(self) -> Iterator[Problem]:
        """Judge the root file system itself."""
        if os.path.isdir(self.root):
            return
        what = lacks(self.root) or "not a folder"
        hint = "root.path is relative to the bundle: put the files there, or name another folder"
        yield self._pointer.problem(f'the root file system "{self.root}" is {what}', hint)

    def find(self, path: str) -> Path | None:
        """Return where the host has what the container sees at `path`.

        None where it is not to be known: on a file system that is yet to be mounted, or in a folder that this user
        may not enter, though the container may. Raises FileNotFoundError.
        """
        try:
            return self._shown_at(self._resolved(path))
        except PermissionError:
            return None

    def forbids_execution(self, path: str) -> bool:
        """Return whether the mount that `path` lies on has noexec. Raises FileNotFoundError."""
        try:
            mount = self._mount_of(self._resolved(path))
        except PermissionError:
            return False
        return mount is not None and mount.forbids_execution

    def _place(self, destination: str) -> str:
        """Where a mount comes to lie: behind the links of the image, in folders that are made if need be."""
        try:
            return self._resolved(destination, must_exist=False)
        except (
            FileNotFoundError,
            PermissionError,
        ):  # links that turn in a circle, or that are not to be seen
            return posixpath.normpath("/" + destination.lstrip("/"))

    def _resolved(self, path: str, *, must_exist: bool = True) -> str:
        """Follow the links of a path, as far as they can be known. Raises FileNotFoundError, PermissionError."""
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
            found = 0 if host is None else mode(host)
            if host is None or not (must_exist or found):
                return posixpath.normpath(posixpath.join(at, *parts[::-1]))
            if stat.S_ISLNK(found):
                links += 1
                if links > LINKS:
                    raise FileNotFoundError(path)
                target = os.readlink(host)
                at = "/" if target.startswith("/") else posixpath.dirname(at)
                parts += target.split("/")[::-1]
            elif not found:
                raise FileNotFoundError(path)
        return at

    def _shown_at(self, path: str) -> Path | None:
        mount = self._mount_of(path)
        if mount is None:
            return self.root / posixpath.relpath(path, "/")
        return None if mount.shown is None else mount.shown / posixpath.relpath(path, mount.destination)

    def _mount_of(self, path: str) -> Mount | None:
        """The mount that a path lies on: the last one at it or above it hides the others; None for the root."""
        for mount in reversed(self.mounts):
            if path == mount.destination or path.startswith(mount.destination.rstrip("/") + "/"):
                return mount
        return None
