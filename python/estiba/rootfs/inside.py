# SPDX-License-Identifier: Apache-2.0
"""Walk a path in a root file system by descriptors, so that no link of it leads outside.

The kernel has openat2(2) with RESOLVE_IN_ROOT for this; Python 3.11 cannot call it. Here each part is opened by
O_PATH without following it, links are read and walked by ourselves, and ".." goes back to a descriptor that we hold:
a part that is swapped for a link meanwhile is a link like any other.
"""

from __future__ import annotations

import errno
import os
import stat

LINKS = 40
"""As many symbolic links as the kernel follows in one path (path_resolution(7))."""


def open_inside(root: int, path: str) -> int:
    """Return a descriptor (O_PATH) of what a container with this root sees at `path`; the caller closes it.

    Raises OSError: ENOENT, ENOTDIR, ELOOP, EACCES.
    """
    parts = path.split("/")[::-1]
    held = [os.dup(root)]
    """The folders from the root to where we are, and at the end perhaps what is no folder."""
    links = 0
    try:
        while parts:
            part = parts.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if len(held) > 1:
                    os.close(held.pop())
                continue
            found = os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held[-1])
            if not stat.S_ISLNK(os.fstat(found).st_mode):
                held.append(found)
                continue
            try:
                target = os.readlink("", dir_fd=found)
            finally:
                os.close(found)
            links += 1
            if links > LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            if target.startswith("/"):
                while len(held) > 1:
                    os.close(held.pop())
            parts += target.split("/")[::-1]
        return held.pop()
    finally:
        for descriptor in held:
            os.close(descriptor)


def read_inside(root: int, path: str, limit: int) -> bytes:
    """Return the first `limit` bytes of a regular file.

    Raises OSError, EINVAL where it is no regular file: a FIFO must not make us wait, nor a device do what it does.
    """
    found = open_inside(root, path)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        with open(f"/proc/self/fd/{found}", "rb") as file:
            return file.read(limit)
    finally:
        os.close(found)
