# SPDX-License-Identifier: Apache-2.0
"""tag, untag: what images are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.errors import ImageNotFound, ReferenceInvalid
from estiba.images.image import unknown
from estiba.images.reference import parse as parse_reference
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.find import described
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.images.manifest import Descriptor
    from estiba.images.reference import Reference
    from estiba.muelle.parse import Parsed


def tag(parsed: Parsed) -> int:
    """Give what a name stands for, an index too, another name."""
    store = Store.open(parsed.globals.text("store"))
    with store.using():
        store.references.move(new_name(parsed.words[1]), descriptor(store, parsed.words[0]), verb="tag")
    return 0


def untag(parsed: Parsed) -> int:
    """Take names away."""
    from estiba.muelle.each import each

    store = Store.open(parsed.globals.text("store"))

    def gone(word: str) -> None:
        name = parse_reference(word)
        try:
            store.references.remove(name)
        except ImageNotFound as error:
            error.hint = unknown(store, word).hint
            raise
        output.write(f"untagged: {name.familiar}\n")

    return each(parsed.words, gone)[1]


def descriptor(store: Store, text: str) -> Descriptor:
    """Return what a word means, without choosing one of several platforms. Raises ImageNotFound."""
    return described(store, text)[0]


def new_name(text: str) -> Reference:
    """Read a reference that is to stand for an image. Raises ReferenceInvalid."""
    reference = parse_reference(text)
    if reference.digest is not None:
        hint = "a digest says which image it is, and no other can have it: leave it out"
        raise ReferenceInvalid(f"{quote(text)}: a new name has no digest", hint=hint)
    return reference
