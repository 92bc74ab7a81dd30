# SPDX-License-Identifier: Apache-2.0
"""The files that differ between two stacks of layers: two images, two versions, a container and its image.

Nothing is mounted: names are looked up in the layers' folders as overlayfs does it. A folder whose layers are the
same on both sides is not entered, so that the time goes with what differs and not with what there is.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.stack import Entry, Stack

_CHUNK = 1 << 20
_CARRIED = {"security.capability", "system.posix_acl_access", "system.posix_acl_default"}
"""Beside those of users, what a layer carries: rust/layers/src/attributes.rs packs the same."""

What = Literal["type", "mode", "owner", "content", "target", "device", "xattrs"]


class Change(NamedTuple):
    """One path that differs."""

    kind: Literal["A", "C", "D"]
    """Added, changed, deleted: from the first stack's side."""
    path: str
    """Absolute, as a container sees it; bytes that are no UTF-8 stay by surrogateescape."""
    before: os.stat_result | None
    after: os.stat_result | None
    what: tuple[What, ...] = ()
    """What is other in a path that changed."""


def compare(before: Stack, after: Stack) -> Iterator[Change]:
    """Yield what differs from `before` to `after`, sorted by path. Of a deleted folder only itself is told.

    Times are not compared. Two files of the same size are read, unless they are the same file of the same layer.
    """
    first, second = before.root(), after.root()
    if first is None or second is None:
        if first or second:
            yield from _one_sided(before if first else after, "", first or second, "D" if first else "A")
        return
    todo: list[tuple[str, Entry | None, Entry | None]] = [("", first, second)]
    while todo:
        path, old, new = todo.pop()
        if old and new and before.place(old) == after.place(new):
            continue
        if (change := _judge(before, after, path, old, new)) is not None:
            yield change
        todo += reversed(_inner(before, after, path, old, new))


def _inner(
    before: Stack, after: Stack, path: str, old: Entry | None, new: Entry | None
) -> list[tuple[str, Entry | None, Entry | None]]:
    """Return the pairs of a folder's entries that have to be looked at, sorted."""
    if new is None or not stat.S_ISDIR(new.status.st_mode):
        return []  # a folder that became a file is a change of its type; what was in it is gone with it
    was = before.children(path, old) if old and stat.S_ISDIR(old.status.st_mode) else {}
    now = after.children(path, new)
    return [(f"{path}/{name}", was.get(name), now.get(name)) for name in sorted(was.keys() | now.keys())]


def _one_sided(stack: Stack, path: str, entry: Entry | None, kind: Literal["A", "D"]) -> Iterator[Change]:
    """Yield what is in the root of a stack that stands against nothing."""
    assert entry is not None
    for name, inner in sorted(stack.children(path, entry).items()):
        where = f"{path}/{name}"
        yield Change(kind, where, *((inner.status, None) if kind == "D" else (None, inner.status)))
        if kind == "A" and stat.S_ISDIR(inner.status.st_mode):
            yield from _one_sided(stack, where, inner, kind)


def _judge(before: Stack, after: Stack, path: str, old: Entry | None, new: Entry | None) -> Change | None:
    if old is None or new is None:
        kind: Literal["A", "D"] = "D" if new is None else "A"
        return Change(kind, path, old.status if old else None, new.status if new else None)
    if what := _differences(before, after, path, old, new):
        return Change("C", path or "/", old.status, new.status, what)
    return None


def _differences(before: Stack, after: Stack, path: str, old: Entry, new: Entry) -> tuple[What, ...]:
    one, other = old.status, new.status
    if stat.S_IFMT(one.st_mode) != stat.S_IFMT(other.st_mode):
        return ("type",)
    what: list[What] = []
    if stat.S_IMODE(one.st_mode) != stat.S_IMODE(other.st_mode) and not stat.S_ISLNK(one.st_mode):
        what.append("mode")
    if (one.st_uid, one.st_gid) != (other.st_uid, other.st_gid):
        what.append("owner")
    if stat.S_ISREG(one.st_mode) and (
        one.st_size != other.st_size or not _same_bytes(before, after, path, old, new)
    ):
        what.append("content")
    if stat.S_ISLNK(one.st_mode) and before.read_link(path, old) != after.read_link(path, new):
        what.append("target")
    if (stat.S_ISCHR(one.st_mode) or stat.S_ISBLK(one.st_mode)) and one.st_rdev != other.st_rdev:
        what.append("device")
    has_attributes = stat.S_ISREG(one.st_mode) or stat.S_ISDIR(one.st_mode)
    if has_attributes and _attributes(before, path, old) != _attributes(after, path, new):
        what.append("xattrs")
    return tuple(what)


def _same_bytes(before: Stack, after: Stack, path: str, old: Entry, new: Entry) -> bool:
    # O_NONBLOCK: a file of a running container may have become a FIFO since it was looked at.
    one = before.open(path, old, os.O_RDONLY | os.O_NONBLOCK)
    other = after.open(path, new, os.O_RDONLY | os.O_NONBLOCK)
    try:
        if one is None or other is None:
            return False
        while chunk := os.read(one, _CHUNK):
            if os.read(other, len(chunk)) != chunk:
                return False
        return True
    finally:
        for descriptor in (one, other):
            if descriptor is not None:
                os.close(descriptor)


def _attributes(stack: Stack, path: str, entry: Entry) -> dict[str, bytes]:
    """Return the extended attributes that a layer carries: not overlay's own, not those of security modules."""
    descriptor = stack.open(path, entry, os.O_RDONLY | os.O_NONBLOCK)
    if descriptor is None:
        return {}
    try:
        names = [name for name in os.listxattr(descriptor) if _travels(name)]
        return {name: os.getxattr(descriptor, name) for name in names}
    except OSError:
        return {}
    finally:
        os.close(descriptor)


def _travels(name: str) -> bool:
    return name in _CARRIED or (name.startswith("user.") and not name.startswith("user.overlay."))
