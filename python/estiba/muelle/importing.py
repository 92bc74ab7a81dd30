# SPDX-License-Identifier: Apache-2.0
"""import: a root file system in a tar file, anybody's, becomes an image of one layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid
from estiba.images.archive.rootfs import import_ as import_layer
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.changing import changed_and_named
from estiba.muelle.find import platform
from estiba.muelle.names import new_name
from estiba.muelle.reading import read
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.muelle.parse import Parsed

STDIN = "-"


def import_(parsed: Parsed) -> int:
    """Make an image of a tar file, and print its id."""
    store, options = Store.open(parsed.globals.text("store")), parsed.options
    name = new_name(parsed.words[1]) if len(parsed.words) > 1 else None
    with read("import", file_of(parsed.words[0]), hint="name a file") as source, store.using():
        found = import_layer(store, source, message=options.text("message") or "", platform=platform(options))
        image = changed_and_named(store, found, options.list("change"), name, verb="import")
        if image.digest != found.digest:
            store.references.drop(found.digest)
    output.write(f"{image.id}\n")
    return 0


def file_of(word: str) -> str | None:
    """Return the file that is meant, None for standard input. Raises ArgumentInvalid for an address."""
    if "://" in word:
        hint = f"`curl -fL {word} | muelle import -` does"
        raise ArgumentInvalid(f"import: {quote(word)}: addresses are not fetched", hint=hint)
    return None if word == STDIN else word
