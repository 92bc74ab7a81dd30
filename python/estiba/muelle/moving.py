# SPDX-License-Identifier: Apache-2.0
"""save, load, copy: images to files and folders, and from them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid
from estiba.images import archive
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.find import as_digest, find_image
from estiba.muelle.names import new_name
from estiba.muelle.reading import read
from estiba.muelle.written import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from estiba.images.archive import Named
    from estiba.muelle.parse import Options, Parsed

LAYOUT = "oci:"


def save(parsed: Parsed) -> int:
    """Write images to a file, a folder or standard output."""
    store, options = Store.open(parsed.globals.text("store")), parsed.options
    images = archive.named(store, [as_digest(store, word) for word in parsed.words])
    target, form = options.text("output"), options.text("format") or "docker-archive"
    known = known_layers(store, options)
    if form == "oci-dir":
        if target is None:
            raise ArgumentInvalid("save: --format oci-dir needs a folder", hint="name it by --output")
        archive.save_folder(store, images, target, leave_out=known)
        return 0
    with written("save", target) as out:
        archive.save(
            store,
            images,
            out,
            form="oci-archive" if form == "oci-archive" else "docker-archive",
            leave_out=known,
        )
    return 0


def known_layers(store: Store, options: Options) -> set[str]:
    """Return the layers that the receiver has: those of the images, or of the image layouts, that --only-missing names."""
    known: set[str] = set()
    for word in options.list("only-missing"):
        if os.path.isdir(word):
            from estiba.images.layout import Layout

            layout = Layout(word)
            layout.check()
            known.update(layout.blobs.iterate())
        else:
            known.update(layer.digest for layer in find_image(store, word, options).manifest.layers)
    return known


def load(parsed: Parsed) -> int:
    """Read images from a file, a folder or standard input, and say what they are called."""
    store, options = Store.open(parsed.globals.text("store")), parsed.options
    source, name = options.text("input"), options.text("tag")
    if name is not None:
        new_name(name)
    if source is not None and os.path.isdir(source):
        images = archive.load_folder(store, source, name=name)
    else:
        with read("load", source, hint="name a file by --input") as descriptor:
            images = archive.load(store, descriptor, name=name)
    tell(images, is_quiet=options.flag("quiet"))
    return 0


def tell(images: Iterable[Named], *, is_quiet: bool) -> None:
    """Say what has come, as Docker does."""
    for image in images:
        names = [reference.familiar for reference in image.references] or [image.descriptor.digest]
        output.write("".join(f"{name}\n" if is_quiet else f"loaded: {name}\n" for name in names))


def copy(parsed: Parsed) -> int:
    """Copy an image from one place to another: oci:FOLDER[:NAME] is an image layout, all else a name in the store.

    NAME is what the layout's index calls the image (org.opencontainers.image.ref.name), read and written as it is typed.
    """
    source, target = parsed.words
    if not (is_layout(source) or is_layout(target)):
        hint = "oci:FOLDER is an image layout; `tag`, `pull` and `push` are for names and registries"
        raise ArgumentInvalid("copy: neither is an image layout", hint=hint)
    if is_layout(source) and is_layout(target):
        (folder, only), (made, name) = layout_of(source), layout_of(target)
        images: Sequence[Named] = archive.copy_between(folder, made, only=only, name=name)
    else:
        store = Store.open(parsed.globals.text("store"))
        if is_layout(source):
            folder, only = layout_of(source)
            new_name(target)
            images = archive.load_folder(store, folder, only=only, name=target)
        else:
            made, name = layout_of(target)
            images = archive.labelled(archive.named(store, [as_digest(store, source)]), name)
            archive.save_folder(store, images, made)
    if not parsed.options.flag("quiet"):
        output.write("".join(f"{image.descriptor.digest}\n" for image in images))
    return 0


def is_layout(word: str) -> bool:
    """Return whether a word names an image layout."""
    return word.startswith(LAYOUT)


def layout_of(word: str) -> tuple[str, str | None]:
    """Part oci:FOLDER:NAME; a folder with a colon in its name is one all the same."""
    text = word.removeprefix(LAYOUT)
    if os.path.isdir(text):
        return text, None
    folder, _colon, name = text.partition(":")
    return folder, name or None
