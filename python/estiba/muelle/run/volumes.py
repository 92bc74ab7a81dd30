# SPDX-License-Identifier: Apache-2.0
"""Volumes: folders of the store that outlive containers, by name, or go with one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid
from estiba.images.trees import copy_tree
from estiba.muelle import containers
from estiba.rootfs.inside import open_inside
from estiba.rootfs.remove import remove_tree
from estiba.spec.words import quote

if TYPE_CHECKING:
    from collections.abc import Collection

    from estiba.images.store import Store
    from estiba.muelle.run.mounts import Mount


def source_of(mount: Mount, store: Store, nameless: Path, root: int) -> str:
    """Return what of the host is mounted; a volume is made if need be, and given what the image has at its place.

    `nameless` is where a volume without a name goes; `root` the container's root file system. Raises ArgumentInvalid
    for a path of the host that is not there.
    """
    if mount.kind == "tmpfs":
        return "tmpfs"
    if mount.kind == "bind":
        if not os.path.exists(mount.source):
            hint = "make it first; a name without a slash would be a volume"
            raise ArgumentInvalid(f"-v: {quote(mount.source)} is absent on this host", hint=hint)
        return mount.source
    volume = Path(store.folder("volumes")) / mount.source if mount.source else nameless
    volume.mkdir(mode=0o755, parents=True, exist_ok=True)
    if mount.is_copied_up and not any(os.scandir(volume)):
        copy_up(root, mount.target, volume)
    return str(volume)


def remove_unused(store: Store, *, gone: Collection[str], dry_run: bool) -> list[str]:
    """Remove the volumes that no container has, but those of the ids `gone`; return their names."""
    folder = containers.folder_of(store)
    with containers.Locked(
        folder
    ):  # a record names its volumes before they are made, and is written under this lock
        staying = [kept for kept in containers.iterate(folder) if kept.id not in gone]
        used = {name for kept in staying for name in kept.record.get("volumes") or ()}
        unused = sorted(set(os.listdir(store.folder("volumes"))) - used)
        if not dry_run:
            for name in unused:
                remove_tree(os.path.join(store.folder("volumes"), name))
    return unused


def copy_up(root: int, target: str, volume: Path) -> None:
    """Give an empty volume the files, the owner and the mode of the folder that it is mounted over."""
    try:
        found = open_inside(root, target)
    except OSError:
        return  # the image has nothing there
    try:
        status = os.fstat(found)
        if not os.path.isdir(f"/proc/self/fd/{found}"):
            raise ArgumentInvalid(f"-v: {quote(target)} is no folder of the image")
        os.chown(volume, status.st_uid, status.st_gid)
        volume.chmod(status.st_mode & 0o7777)
        into = os.open(volume, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            copy_tree(root, target, into, "/")
        finally:
            os.close(into)
    finally:
        os.close(found)
