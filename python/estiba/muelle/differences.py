# SPDX-License-Identifier: Apache-2.0
"""diff: the files that differ between two images, two versions of one, a container and its image."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ContainerNotFound, ImageNotFound
from estiba.images.changes import compare
from estiba.images.history import behind
from estiba.images.image import Image
from estiba.images.manifest import Descriptor
from estiba.images.stack import Stack
from estiba.images.store import Store
from estiba.muelle import containers, output
from estiba.muelle.find import find_image, split_version, version

if TYPE_CHECKING:
    import os

    from estiba.images.changes import Change
    from estiba.muelle.parse import Options, Parsed


class Pair(NamedTuple):
    """The folders of two stacks of layers, bottom first."""

    before: list[str]
    after: list[str]


def diff(parsed: Parsed) -> int:
    """Print a line for each path that differs: A added, C changed, D deleted."""
    store = Store.open(parsed.globals.text("store"))
    with store.using():
        pair = two_sides(store, parsed.words, parsed.options)
        with (
            Stack(pair.before, overlay=store.overlay) as before,
            Stack(pair.after, overlay=store.overlay) as after,
        ):
            form = parsed.options.text("format")
            if form in (None, "table"):
                for change in compare(before, after):
                    output.write(line(change))
            else:
                output.listing(form, (), [described(change) for change in compare(before, after)])
    return 0


def two_sides(store: Store, words: list[str], options: Options) -> Pair:
    """Return what stands against what.

    Two words are images, or containers where no image is called so. One word is a container, against its image; or an
    image, against the version before it. Raises ImageNotFound.
    """
    if len(words) == 2:
        return Pair(side(store, words[0], options), side(store, words[1], options))
    try:
        kept = containers.find(containers.folder_of(store), words[0])
    except ContainerNotFound:
        return Pair(
            previous(store, words[0], options).lowers(), find_image(store, words[0], options).lowers()
        )
    below = image_of(store, kept).lowers()
    return Pair(below, [*below, str(kept.folder / "upper")])


def side(store: Store, word: str, options: Options) -> list[str]:
    """Return the layers of an image, or of a container."""
    try:
        return find_image(store, word, options).lowers()
    except ImageNotFound:
        try:
            kept = containers.find(containers.folder_of(store), word)
        except ContainerNotFound:
            pass
        else:
            return [*image_of(store, kept).lowers(), str(kept.folder / "upper")]
        raise


def image_of(store: Store, kept: containers.Kept) -> Image:
    """Return the image that a container was made of, by what its record has: no name may lead to it any more."""
    record = kept.record
    return Image(store, Descriptor(record["mediaType"], record["image"], record["size"]))


def previous(store: Store, word: str, options: Options) -> Image:
    """Return the version before the one that a word means. Raises ImageNotFound."""
    if (versioned := split_version(word)) is not None:
        reference, number = versioned
        record, log = version(store, reference, number), store.references.log(reference)
        older = behind(log[: log.index(record) + 1])
        if not older:
            raise ImageNotFound(f'"{word}" has no version before it')
        return find_image(store, f"{reference}@{older[0].version}", options)
    image = find_image(store, word, options)
    if image.reference is None or image.reference.digest is not None:
        raise ImageNotFound(f'"{word}" is no name, and has no version before it', hint="name two images")
    return find_image(store, f"{image.reference}@-1", options)


def line(change: Change) -> str:
    """Lay a change out for people."""
    path = output.printable(change.path)
    words = ", ".join(filter(None, (detail(what, change) for what in change.what)))
    if change.kind == "A" and change.after and stat.S_ISREG(change.after.st_mode):
        words = output.size(change.after.st_size)
    return f"{change.kind} {path}{f'   {words}' if words else ''}\n"


def detail(what: str, change: Change) -> str:
    """Say how one thing of a path has changed."""
    before, after = change.before, change.after
    if before is None or after is None:
        return ""
    if what == "mode":
        return f"mode {stat.S_IMODE(before.st_mode):04o} -> {stat.S_IMODE(after.st_mode):04o}"
    if what == "owner":
        return f"owner {before.st_uid}:{before.st_gid} -> {after.st_uid}:{after.st_gid}"
    if what == "content" and before.st_size != after.st_size:
        return f"{output.size(before.st_size)} -> {output.size(after.st_size)}"
    if what == "type":
        return f"{kind_of(before)} -> {kind_of(after)}"
    return what


def kind_of(status: os.stat_result) -> str:
    """Return what a path is, in one word."""
    kinds = (
        (stat.S_ISREG, "file"),
        (stat.S_ISDIR, "folder"),
        (stat.S_ISLNK, "link"),
        (stat.S_ISFIFO, "FIFO"),
        (stat.S_ISSOCK, "socket"),
    )
    return next((name for is_kind, name in kinds if is_kind(status.st_mode)), "device")


def described(change: Change) -> dict[str, Any]:
    """Return a change as programs read it."""
    return {
        "Kind": change.kind,
        "Path": change.path,
        "What": list(change.what),
        "Before": status_of(change.before),
        "After": status_of(change.after),
    }


def status_of(status: os.stat_result | None) -> dict[str, Any] | None:
    """Return what counts of a file's status."""
    if status is None:
        return None
    return {
        "Type": kind_of(status),
        "Mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "Uid": status.st_uid,
        "Gid": status.st_gid,
        "Size": status.st_size,
    }
