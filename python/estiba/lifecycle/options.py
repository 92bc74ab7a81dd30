# SPDX-License-Identifier: Apache-2.0
"""What the maker of a container may say beside its bundle, for `create` and `run` alike."""

from __future__ import annotations

from typing import Literal, TypedDict

from estiba.errors import ArgumentInvalid

Stdio = tuple[int, int, int]
"""Descriptors that become 0, 1 and 2 of the program."""
CgroupManager = Literal["cgroupfs", "systemd", "disabled"]


class CreateOptions(TypedDict, total=False):
    """All of them may be left out."""

    stdio: Stdio | None
    """By default the caller's own 0, 1 and 2."""
    pid_file: str | None
    """A file for init's process id: digits alone, no newline."""
    console_socket: str | None
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


def count_of_descriptors(preserve_fds: int) -> int:
    """Return what was given, where it can be a number of descriptors. Raises ArgumentInvalid."""
    if 0 <= preserve_fds < 2**32:
        return preserve_fds
    raise ArgumentInvalid(f"preserve_fds: {preserve_fds} is no number of descriptors, expected 0 or more")
