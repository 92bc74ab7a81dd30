# SPDX-License-Identifier: Apache-2.0
"""Images in folders that are image layouts, others' as ours: `oci-dir`. Only the blobs that are missing are copied."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from estiba.errors import ArchiveInvalid, BlobCorrupt, StoreError
from estiba.images import media
from estiba.images.archive import images as archived
from estiba.images.archive.load import keep
from estiba.images.archive.tar import CHUNK
from estiba.images.durable import Lock, refused, sync_folder
from estiba.images.layout import MARKER, Layout
from estiba.images.manifest import REFERENCE_NAME, Index
from estiba.images.reach import reachable
from estiba.images.reference import DEFAULT_TAG

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from estiba.images.archive.images import Named
    from estiba.images.blobs import Blobs
    from estiba.images.manifest import Descriptor
    from estiba.images.reference import Reference
    from estiba.images.store import Store


def load_folder(
    store: Store, folder: str, *, only: str | None = None, name: str | None = None, who: str | None = None
) -> list[Named]:
    """Load the images of a layout, or that which its index calls `only`; else as `estiba.images.archive.load.load`.

    Raises StoreError if the folder is no image layout, ArchiveInvalid if it has no such image, BlobNotFound,
    BlobCorrupt, ManifestInvalid, ReferenceInvalid.
    """
    layout = _opened(folder)
    images = chosen(layout, only)
    with store.using():
        for image in images:
            copy_blobs(layout.blobs, store.blobs, image.descriptor)
        return keep(store, images, name=name, who=who)


def save_folder(
    store: Store, images: Sequence[Named], folder: str, *, leave_out: Container[str] = ()
) -> None:
    """Put images (see `estiba.images.archive.save.named`) into a layout, which is made if it is absent.

    What the layout has stays, except that a name leads to one image only. `leave_out`: digests of layers that whoever
    gets the folder has. Raises StoreError, BlobNotFound, BlobCorrupt, ManifestInvalid.
    """
    with store.using(), _made(folder) as layout:
        copy_images(store.blobs, layout, images, leave_out=leave_out)


def copy_between(
    source: str, target: str, *, only: str | None = None, name: str | None = None
) -> list[Named]:
    """Copy the images of one layout, or that which its index calls `only`, to another; return them.

    `name`: what the other's index calls the only one instead. Raises as above, ReferenceInvalid.
    """
    layout = _opened(source)
    images = archived.labelled(chosen(layout, only), name)
    with _made(target) as made:
        copy_images(layout.blobs, made, images)
    return images


def chosen(layout: Layout, only: str | None) -> list[Named]:
    """Return the images of a layout, or the one that its index calls `only`, by its label or a name of it."""
    images = archived.of_index(Index(tuple(layout.read())).to_bytes(), layout.folder)
    if only is None:
        found = images
    else:
        found = [
            one
            for one in images
            if only == one.label or any(only in _written(reference) for reference in one.references)
        ]
    if not found:
        known = ", ".join(
            one.label or " ".join(each.familiar for each in one.references) or one.descriptor.digest
            for one in images
        )
        what = f'no image "{only}"' if only else "no image"
        raise ArchiveInvalid(f'"{layout.folder}" has {what}', hint=f"it has: {known}" if known else None)
    return found


def _written(reference: Reference) -> set[str]:
    """Return what people write for a reference."""
    return {str(reference), reference.familiar, reference.familiar.removesuffix(f":{DEFAULT_TAG}")}


def copy_images(
    source: Blobs, target: Layout, images: Iterable[Named], *, leave_out: Container[str] = ()
) -> None:
    """Copy images into a layout of which we hold nothing; its index is changed last, in one step."""
    images = list(images)
    with Lock(target.folder, folder=True):
        for image in images:
            copy_blobs(source, target.blobs, image.descriptor, leave_out=leave_out)
        added = archived.to_index(images)
        names = {one.annotations.get(REFERENCE_NAME) for one in added} - {None}
        digests = {one.digest for one in added}
        kept = [
            one
            for one in target.read()
            if (name := one.annotations.get(REFERENCE_NAME)) not in names
            and (name or one.digest not in digests)
        ]
        target.replace([*kept, *added])


def copy_blobs(
    source: Blobs, target: Blobs, descriptor: Descriptor, *, leave_out: Container[str] = ()
) -> None:
    """Copy what `descriptor` leads to and `target` has not: layers first, so that what is there is whole.

    Foreign layers that are not here are left out. Raises BlobNotFound, BlobCorrupt, ManifestInvalid, StoreError.
    """
    for one in reversed(list(reachable(source, descriptor))):
        is_layer = one.media_type in media.LAYERS
        if target.has(one.digest) or (is_layer and one.digest in leave_out):
            continue
        if one.media_type in media.FOREIGN and not source.has(one.digest):
            continue
        _copy_blob(source, target, one)


def _copy_blob(source: Blobs, target: Blobs, one: Descriptor) -> None:
    descriptor = source.open(one.digest)
    try:
        if (size := os.fstat(descriptor).st_size) != one.size:
            raise BlobCorrupt(f"blob {one.digest}: {size} bytes, where {one.size} were promised")
        with target.writer(expected=one.digest, size=size) as writer:
            while chunk := os.read(descriptor, CHUNK):
                writer.write(chunk)
            writer.commit()
    finally:
        os.close(descriptor)


def _opened(folder: str) -> Layout:
    layout = Layout(os.path.abspath(folder))
    layout.check()
    return layout


@contextmanager
def _made(folder: str) -> Iterator[Layout]:
    """Give a layout to write to; one that is not there yet gets its name when it is whole."""
    path = os.path.realpath(folder)
    if os.path.isdir(path) and os.listdir(path):
        if not os.path.exists(os.path.join(path, MARKER)):
            raise StoreError(f'"{path}" is neither empty nor an OCI image layout', hint="name another folder")
        yield _opened(path)
        return
    import shutil

    aside = f"{path}.part-{os.getpid()}"
    try:
        layout = Layout(aside)
        layout.create()
        yield layout
        os.rename(aside, path)
        sync_folder(os.path.dirname(path))
    except OSError as error:
        raise refused("make", path, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
