# SPDX-License-Identifier: Apache-2.0
"""What `run` keeps of a container: a folder in the store with its record, its upper layer and a lock.

containers/ID/
  container.json   the record; its presence makes it a container
  lock             held (flock) by the `run` that attends to it; whose lock is free has nobody left
  remove           there when the container goes with its program's end (--rm), even if `run` was killed
  condemned        there when the container is to go although its program has yet to start (rm --force)
  upper/ work/     what the container has written; the work folder of overlayfs
  merged/          where its root file system is mounted, in the mount namespace of `run` alone
  volumes/N/       volumes that nobody has named
  config.json, hostname, hosts, resolv.conf
"""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ContainerError, ContainerExists, ContainerNotFound
from estiba.images.durable import replace_file
from estiba.rootfs.remove import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.store import Store

RECORD = "container.json"
CONDEMNED = "condemned"
SHORT = 12
"""Digits of an id that people see."""


class Kept(NamedTuple):
    """A container that has a folder in the store."""

    folder: Path
    record: dict[str, Any]

    @property
    def id(self) -> str:
        """64 hexadecimal digits."""
        return self.folder.name

    @property
    def name(self) -> str:
        """What people call it; the short id where it has no name."""
        return self.record.get("name") or self.id[:SHORT]

    @property
    def root(self) -> str | None:
        """The engine's state root that its `run` has used, whatever the one of this command is."""
        return self.record.get("stateRoot")


def folder_of(store: Store) -> Path:
    """Return where a store has its containers."""
    return Path(store.folder("containers"))


def make(containers: Path, record: dict[str, Any]) -> tuple[Kept, int]:
    """Make a container's folder; return it and the descriptor that holds its lock. Raises ContainerExists."""
    containers.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Locked(containers):
        if name := record.get("name"):
            _refuse_taken(containers, name)
        folder = containers / os.urandom(32).hex()
        folder.mkdir(mode=0o700)
        lock = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        (folder / "remove").touch()  # until its program runs, it is nothing to keep
        for part in ("upper", "work", "merged"):
            (folder / part).mkdir(mode=0o755)
        kept = Kept(folder, {"id": folder.name, **record})
        write(kept)
    return kept, lock


def write(kept: Kept) -> None:
    """Write the record, in one step; a power cut leaves the old one or this. Raises StoreError."""
    replace_file(str(kept.folder / RECORD), f"{json.dumps(kept.record, indent=2)}\n".encode())


def iterate(containers: Path) -> Iterator[Kept]:
    """Return all containers, oldest first; a folder without a record is one that is being made or removed."""
    try:
        folders = list(os.scandir(containers))
    except FileNotFoundError:
        return
    found = [kept for folder in folders if (kept := _read(Path(folder.path)))]
    yield from sorted(found, key=lambda kept: (str(kept.record.get("created")), kept.id))


def _read(folder: Path) -> Kept | None:
    try:
        with open(folder / RECORD, "rb") as file:
            return Kept(folder, json.load(file))
    except (OSError, ValueError):
        return None


def find(containers: Path, text: str) -> Kept:
    """Return the container of this name, id or beginning of an id. Raises ContainerNotFound, ContainerError."""
    known = list(iterate(containers))
    for kept in known:
        if text in (kept.id, kept.record.get("name")):
            return kept
    near = [kept for kept in known if text and kept.id.startswith(text)]
    if len(near) == 1:
        return near[0]
    if near:
        listed = ", ".join(kept.id[:SHORT] for kept in near)
        raise ContainerError(f'"{text}" begins the ids of {len(near)} containers: {listed}')
    hint = "`muelle containers` lists them"
    if known:
        from estiba.spec.words import nearest

        meant = nearest(text, [kept.name for kept in known])
        hint = f'did you mean "{meant}"?' if meant else hint
    raise ContainerNotFound(f'container "{text}" does not exist', hint=hint, id=text)


def remove(kept: Kept) -> None:
    """Remove the folder of a container that runs no more: the record first, so that nobody finds half of one."""
    (kept.folder / RECORD).unlink(missing_ok=True)
    remove_tree(kept.folder)


def condemn(kept: Kept) -> None:
    """Tell the `run` that attends to the container not to start it: before who calls this kills what is started.

    Either the engine knows the container by then, and it is killed, or its `run` finds this when it is known.
    """
    with suppress(FileNotFoundError):
        (kept.folder / CONDEMNED).touch()


def refuse_condemned(kept: Kept) -> None:
    """Raise ContainerError if the container is to go."""
    if (kept.folder / CONDEMNED).exists():
        raise ContainerError(f'container "{kept.name}" was removed while it was being started')


def left_alone(kept: Kept) -> None:
    """Wait until no `run` attends to the container any more: it tells of the end, and may remove the folder."""
    with suppress(FileNotFoundError):
        lock = os.open(kept.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        finally:
            os.close(lock)


def is_attended(folder: Path) -> bool:
    """Return whether a `run` attends to the container."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: others who ask are no `run`
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def abandoned(containers: Path) -> list[Kept]:
    """Return the containers that were to go with their program's end, and whose `run` is gone; some have no record."""
    try:
        folders = [Path(each.path) for each in os.scandir(containers)]
    except FileNotFoundError:
        return []
    left = [folder for folder in folders if (folder / "remove").exists() and not is_attended(folder)]
    return [_read(folder) or Kept(folder, {}) for folder in left]


class Locked:
    """The folder of all containers, locked while names are looked at and given."""

    def __init__(self, containers: Path) -> None:
        self._descriptor = os.open(containers, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def __exit__(self, *_error: object) -> None:
        os.close(self._descriptor)


def _refuse_taken(containers: Path, name: str) -> None:
    for kept in iterate(containers):
        if kept.record.get("name") == name:
            raise ContainerExists(
                f'the name "{name}" is taken by container {kept.id[:SHORT]}',
                hint=f"`muelle rm {name}` removes it",
                id=kept.id,
            )
