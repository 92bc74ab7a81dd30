# SPDX-License-Identifier: Apache-2.0
"""--change of commit and import: instructions of a Containerfile on top of an image, and the name that it gets."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid
from estiba.images.image import Image
from estiba.spec.words import nearest, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.images.manifest import Descriptor
    from estiba.images.record import Verb
    from estiba.images.reference import Reference
    from estiba.images.store import Store


CHANGES = (
    "CMD",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "HEALTHCHECK",
    "LABEL",
    "ONBUILD",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
)
"""What changes a config alone: neither commit nor import runs or copies anything."""


def changed_and_named(
    store: Store, found: Descriptor, changes: Sequence[str], name: Reference | None, *, verb: Verb
) -> Image:
    """Apply the changes, let a name or the list of nameless images lead to what comes out; return it.

    Raises BuildFileInvalid and whatever a build raises. The store is in use already.
    """
    image = changed(store, found, changes) if changes else Image(store, found)
    _ = image.config  # read, and held against the manifest, before a name leads to it
    if name is None:
        store.references.keep(image.descriptor)
    else:
        store.references.move(name, image.descriptor, verb=verb)
        store.references.drop(image.digest)
    return image


def changed(store: Store, found: Descriptor, changes: Sequence[str]) -> Image:
    """Make a further image by instructions, as a build does; it is a nameless one."""
    from estiba.build.execute import build
    from estiba.build.options import Options

    for change in changes:
        if "\n" in change:
            raise ArgumentInvalid("--change: an instruction is one line")
        word = change.split(maxsplit=1)[0].upper() if change.strip() else ""
        if word not in CHANGES:
            near = nearest(word, CHANGES)
            hint = f"did you mean {near}?" if near else f"of {', '.join(CHANGES)}"
            raise ArgumentInvalid(f"--change: {quote(change)} is not a change of the config", hint=hint)

    def resolve(store: Store, *_: object) -> Image:
        return Image(store, found)

    text = "\n".join([f"FROM {found.digest}", *changes])
    with tempfile.TemporaryDirectory(prefix="muelle-") as context:
        built = build(store, context, file="--change", text=text, options=Options(resolve=resolve))
    return Image.resolve(store, built.digest)
