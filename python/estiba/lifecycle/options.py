# SPDX-License-Identifier: Apache-2.0
"""What the maker of a container may say beside its bundle, for `create` and `run` alike."""

from __future__ import annotations

import os
from typing import Literal, Protocol, TypedDict

from estiba.errors import ArgumentInvalid


class HasFileno(Protocol):
    """An open file."""

    def fileno(self) -> int:
        """Return the descriptor."""


Stream = int | HasFileno
Stdio = tuple[Stream, Stream, Stream]
"""Files or descriptors that become 0, 1 and 2 of the program."""
CgroupManager = Literal["cgroupfs", "systemd", "disabled"]


class CreateOptions(TypedDict, total=False):
    """All of them may be left out."""

    stdio: Stdio | None
    """By default the caller's own 0, 1 and 2."""
    pid_file: str | os.PathLike[str] | None
    """A file for init's process id: digits alone, no newline."""
    console_socket: str | os.PathLike[str] | None
    """A listening unix socket that is sent the terminal's controlling side."""
    preserve_fds: int
    """How many descriptors from 3 upwards reach the program; 0 by default."""
    no_pivot: bool
    """Move the root instead of pivot_root(2), for a root on a ramdisk."""
    no_new_keyring: bool
    """Keep the caller's session keyring."""
    cgroup_manager: CgroupManager
    """Who makes the container's cgroup; "cgroupfs" by default."""


def usual_cgroup_manager(*, is_rootless: bool) -> CgroupManager:
    """Return who makes the cgroup of a container whose caller says nothing of it: nobody where one may make none."""
    return "disabled" if is_rootless else "cgroupfs"


def descriptors(stdio: Stdio | None) -> tuple[int, int, int] | None:
    """Return the numbers of what becomes 0, 1 and 2. Raises ArgumentInvalid for one that is not open."""
    if stdio is None:
        return None
    if len(stdio) != 3:
        raise ArgumentInvalid(f"stdio: {len(stdio)} files, expected 3: input, output and errors")
    first, second, third = (each if isinstance(each, int) else each.fileno() for each in stdio)
    for number in (first, second, third):
        try:
            os.fstat(number)
        except OSError:
            raise ArgumentInvalid(f"stdio: descriptor {number} is not open") from None
    return first, second, third


def path_or_none(path: str | os.PathLike[str] | None) -> str | None:
    """Return a path as the engine takes it."""
    return None if path is None else os.fspath(path)


def count_of_descriptors(preserve_fds: int) -> int:
    """Return what was given, where it can be a number of descriptors. Raises ArgumentInvalid."""
    if 0 <= preserve_fds < 2**32:
        return preserve_fds
    raise ArgumentInvalid(f"preserve_fds: {preserve_fds} is no number of descriptors, expected 0 or more")
