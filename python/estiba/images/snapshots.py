# SPDX-License-Identifier: Apache-2.0
"""Layers on top of each other, as one tree: mounted for a while, in a mount namespace of the calling thread's own.

A thread's mounts end with it: a builder that is killed leaves none.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from estiba import _core

_thread = threading.local()


def private_mounts() -> None:
    """Give the calling thread mounts that nobody else sees, if it has none yet. Raises KernelRefused."""
    if not getattr(_thread, "has_own", False):
        _core.private_mounts()
        _thread.has_own = True


def own_user_namespace() -> None:
    """Give the process, which has one thread, a user and a mount namespace of its own; no ids are mapped yet.

    Raises KernelRefused.
    """
    _core.own_user_namespace()


def memory(folder: str) -> str:
    """Return a folder in memory, below `folder`, that the calling thread alone sees, until its end.

    For root alone, who gets the same one each time. Raises KernelRefused.
    """
    found: str | None = getattr(_thread, "memory", None)
    if found is None:
        private_mounts()
        found = os.path.join(folder, f"memory-{threading.get_native_id()}")
        os.mkdir(found, 0o700)
        _core.mount_memory(found)
        _thread.memory = found
    return found


@contextmanager
def mounted(
    target: str,
    lowers: Sequence[str],
    upper: str | None = None,
    work: str | None = None,
    *,
    is_rootless: bool = False,
) -> Iterator[None]:
    """Stack `lowers`, bottom first, at `target`; `upper` takes changes, and nothing of it is synced.

    The thread needs mounts of its own (`private_mounts`). Raises KernelRefused, HostUnsupported.
    """
    _core.mount_overlay(target, lowers, upper, work, rootless=is_rootless, volatile=upper is not None)
    try:
        yield
    finally:
        _core.unmount(target)


@contextmanager
def opened(
    lowers: Sequence[str],
    upper: str | None = None,
    work: str | None = None,
    *,
    is_rootless: bool = False,
) -> Iterator[int]:
    """Stack `lowers` as a tree that is mounted nowhere; give the descriptor of its root.

    Raises KernelRefused, HostUnsupported.
    """
    descriptor = open_stack(lowers, upper, work, is_rootless=is_rootless)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_stack(
    lowers: Sequence[str],
    upper: str | None = None,
    work: str | None = None,
    *,
    is_rootless: bool = False,
) -> int:
    """Do the same; the caller closes the descriptor."""
    return _core.open_overlay(lowers, upper, work, rootless=is_rootless, volatile=upper is not None)


def mount_memory(target: str) -> None:
    """Mount an empty tmpfs at `target`, for root alone: for secrets. Raises KernelRefused."""
    _core.mount_memory(target)


unmount = _core.unmount
