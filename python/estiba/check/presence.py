# SPDX-License-Identifier: Apache-2.0
"""Whether the host has something at a path that a config names: it may be of any length and shape, and in any folder.

pathlib is not asked: it answers "no" for some of the kernel's errors, raises others, and which is which differs between
versions of Python.
"""

from __future__ import annotations

import os
from pathlib import Path


def lacks(path: Path) -> str | None:
    """Return why a path leads to nothing, links followed: "absent", or "out of this user's reach"; None if it does not."""
    try:
        return None if mode(path, follow=True) else "absent"
    except PermissionError:
        return "out of this user's reach"


def resolved(path: Path) -> Path:
    """Follow the links of a path as far as they lead; what cannot be a path stays as it is."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a NUL
        return path


def mode(path: Path, *, follow: bool = False) -> int:
    """Return st_mode of what is there, 0 where nothing is. Raises PermissionError where that is not to be seen."""
    try:
        return os.stat(path, follow_symlinks=follow).st_mode
    except PermissionError:
        raise
    except (OSError, ValueError):  # ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG; a NUL
        return 0
