# SPDX-License-Identifier: Apache-2.0
"""images: what the store has, and what each image takes alone."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ImageError
from estiba.images.image import Image, pick_here
from estiba.images.store import Store
from estiba.muelle import output
from estiba.muelle.history import short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.manifest import Descriptor
    from estiba.images.reference import Reference
    from estiba.muelle.parse import Parsed

NONE = "<none>"


class Named(NamedTuple):
    """One row: a name, and the image that it stands for."""

    reference: Reference | None
    descriptor: Descriptor
    image: Image | None
    """None where it is no image for this machine, or damaged."""


def images(parsed: Parsed) -> int:
    """List names and images."""
    store = Store.open(parsed.globals.text("store"))
    options = parsed.options
    everything = list(named(store))
    shared = sharers(everything)
    rows = [described(each, shared) for each in asked_for(everything, parsed)]
    if options.flag("quiet"):
        ids = dict.fromkeys(row["ID"] for row in rows)
        output.write("".join(f"{id if options.flag('no-trunc') else short(id, False)}\n" for id in ids))
        return 0
    is_whole = options.flag("no-trunc")
    digests = (("DIGEST", lambda row: row["Digest"]),) if options.flag("digests") else ()
    output.listing(
        options.text("format"),
        (
            ("REPOSITORY", lambda row: row["Repository"]),
            ("TAG", lambda row: row["Tag"]),
            *digests,
            ("IMAGE ID", lambda row: short(row["ID"], is_whole)),
            ("CREATED", lambda row: output.since(row["CreatedAt"])),
            ("SIZE", lambda row: output.size(row["Size"])),
            ("UNIQUE", lambda row: output.size(row["UniqueSize"])),
        ),
        rows,
    )
    return 0


def asked_for(everything: list[Named], parsed: Parsed) -> list[Named]:
    """Return what is to be listed."""
    options, pattern = parsed.options, parsed.words[0] if parsed.words else None
    texts = options.list("filter")
    with_nameless = options.flag("all") or any(text.startswith("dangling=") for text in texts)
    found = [each for each in everything if is_wanted(each.reference, pattern, with_nameless=with_nameless)]
    if not texts:
        return found
    from estiba.muelle.filters import Filter, has_label, wanted_by

    filters = {
        "dangling": Filter(
            lambda each, value: (each.reference is None) is (value == "true"), ("true", "false")
        ),
        "reference": Filter(lambda each, value: is_wanted(each.reference, value, with_nameless=False)),
        "label": Filter(lambda each, value: has_label(labels(each), value)),
    }
    return list(filter(wanted_by(texts, filters), found))


def labels(each: Named) -> dict[str, str]:
    """Return the labels of an image."""
    return (each.image.config.config.get("Labels") if each.image else None) or {}


def named(store: Store) -> Iterator[Named]:
    """Return every name, sorted, then what has none."""
    known = list(store.references.iterate())
    for reference, descriptor in known:
        yield Named(reference, descriptor, opened(store, descriptor))
    digests = {descriptor.digest for _reference, descriptor in known}
    for descriptor in store.references.nameless():
        if descriptor.digest not in digests:
            yield Named(None, descriptor, opened(store, descriptor))


def opened(store: Store, descriptor: Descriptor) -> Image | None:
    """Return the image, None if it is not whole: one that is damaged must not hide the others."""
    try:
        image = Image(store, pick_here(store.blobs, descriptor))
        return image if image.config else None
    except ImageError:
        return None


def sharers(everything: list[Named]) -> Counter[str]:
    """Count in how many images, not names, each blob is."""
    blobs: Counter[str] = Counter()
    seen: set[str] = set()
    for each in everything:
        if each.image is not None and each.image.digest not in seen:
            seen.add(each.image.digest)
            blobs.update({layer.digest for layer in each.image.manifest.layers})
    return blobs


def is_wanted(reference: Reference | None, pattern: str | None, *, with_nameless: bool) -> bool:
    """Return whether a name is asked for: all of them, or those of a repository, of a tag, or like a pattern."""
    if reference is None:
        return with_nameless and pattern is None
    if pattern is None:
        return True
    repository = reference._replace(tag=None).familiar
    return any(fnmatchcase(text, pattern) for text in (repository, reference.familiar, str(reference)))


def described(each: Named, shared: Counter[str]) -> dict[str, Any]:
    """Return a row as programs read it."""
    reference, image = each.reference, each.image
    layers = {layer.digest: layer.size for layer in image.manifest.layers} if image else {}
    return {
        "Repository": reference._replace(tag=None).familiar if reference else NONE,
        "Tag": (reference.tag if reference else None) or NONE,
        "Digest": each.descriptor.digest,
        "ID": image.id if image else each.descriptor.digest,
        "CreatedAt": (image.config.created if image else None) or "",
        "Size": image.size if image else 0,
        "UniqueSize": sum(size for digest, size in layers.items() if shared[digest] == 1),
    }
