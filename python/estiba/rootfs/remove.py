# SPDX-License-Identifier: Apache-2.0
"""Remove a tree by descriptors, whatever it holds and however deep it is; no link of it is followed.

A folder in the tree is moved to its top before it is emptied, so that the way down never gets longer than two
steps: a container may nest folders deeper than any stack or path is long. shutil.rmtree cannot do that, and its import
costs more than most trees that go here.
"""

from __future__ import annotations

import os
import stat

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: str | os.PathLike[str]) -> None:
    """Remove a folder and all that is in it; content if it is absent. Raises OSError for what does not go."""
    parent, name = os.path.split(os.path.abspath(path))
    try:
        above = os.open(parent, FOLDER)
    except FileNotFoundError:
        return
    try:
        top = _open(above, name)
    except FileNotFoundError:
        os.close(above)
        return
    try:
        _empty(top)
        os.rmdir(name, dir_fd=above)
    finally:
        os.close(top)
        os.close(above)


def _empty(top: int) -> None:
    """Remove all that is in a folder."""
    waiting = _unlink_files(top)
    number = 0
    while waiting:
        name = waiting.pop()
        folder = _open(top, name)
        try:
            for inner in _unlink_files(folder):
                number += 1
                moved = f".removed-{os.getpid()}-{number}"
                if os.geteuid() != 0:
                    os.chmod(inner, stat.S_IRWXU, dir_fd=folder)  # to move it is to change its ".."
                os.rename(inner, moved, src_dir_fd=folder, dst_dir_fd=top)
                waiting.append(moved)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=top)


def _unlink_files(folder: int) -> list[str]:
    """Remove what is no folder; return the names of what is one."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return folders


def _open(parent: int, name: str) -> int:
    """Open a folder that we are about to change, also one that its owner has closed to itself."""
    try:
        folder = os.open(name, FOLDER, dir_fd=parent)
    except PermissionError:
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)
        folder = os.open(name, FOLDER, dir_fd=parent)
    if os.geteuid() != 0:
        os.fchmod(folder, stat.S_IRWXU)
    return folder
