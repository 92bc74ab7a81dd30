# SPDX-License-Identifier: Apache-2.0
"""An image in a store: a manifest, its config, and the chain of its layers."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from estiba.errors import BlobCorrupt, ImageNotFound, ManifestInvalid, ReferenceInvalid
from estiba.images import config as configs
from estiba.images import digest as digests
from estiba.images import manifest as manifests
from estiba.images import media
from estiba.images import platform as platforms
from estiba.images.manifest import Descriptor, Index, Manifest
from estiba.images.reference import Reference
from estiba.images.reference import parse as parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.blobs import Blobs
    from estiba.images.config import ImageConfig
    from estiba.images.platform import Platform
    from estiba.images.store import Store

_SHORTEST_ID = 4


class Image:
    """An image whose manifest and config were read, verified and found to fit each other."""

    def __init__(
        self,
        store: Store,
        descriptor: Descriptor,
        *,
        platform: Platform | None = None,
        reference: Reference | None = None,
    ) -> None:
        """Open what `descriptor` names; of an index, the image for `platform`, by default this machine's.

        Raises BlobNotFound, BlobCorrupt, ManifestInvalid, ImageNotFound if the index has none for the platform.
        """
        self.store = store
        self.reference = reference
        """The name it was found by, or None."""
        self.descriptor = pick(store.blobs, descriptor, platform)
        """The manifest's."""
        self.manifest: Manifest = _manifest(store.blobs, self.descriptor)

    def __repr__(self) -> str:
        return f"Image({self.descriptor.digest!r})"

    @classmethod
    def resolve(cls, store: Store, text: str, *, platform: Platform | None = None) -> Image:
        """Return the image that `text` names: a reference, a digest, or the first digits of an id.

        Raises ImageNotFound, ReferenceInvalid, and what `Image` raises.
        """
        descriptor, reference = find(store, text)
        return cls(store, descriptor, platform=platform, reference=reference)

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return self.descriptor.digest

    @property
    def id(self) -> str:
        """The config's digest: the same however the layers are compressed."""
        return self.manifest.config.digest

    @cached_property
    def config(self) -> ImageConfig:
        """The config. Raises BlobNotFound, BlobCorrupt, ManifestInvalid, also if it does not fit the manifest."""
        config = configs.parse(self.store.blobs.read(self.id), where=f"config {self.id}")
        if len(config.diff_ids) != len(self.manifest.layers):
            raise ManifestInvalid(
                f"image {self.digest}: {len(self.manifest.layers)} layers, but {len(config.diff_ids)} diff_ids"
            )
        return config

    @cached_property
    def chain_ids(self) -> tuple[str, ...]:
        """The chain id of each layer, bottom to top; () for an image without layers."""
        return self.config.chain_ids

    @property
    def size(self) -> int:
        """What its blobs take, in bytes: manifest, config, packed layers."""
        return (
            self.descriptor.size + self.manifest.config.size + sum(one.size for one in self.manifest.layers)
        )

    def lowers(self) -> list[str]:
        """Return the folders of its unpacked layers, bottom to top, unpacked if they were not (see `Layers.ensure`)."""
        return self.store.layers.ensure(zip(self.config.diff_ids, self.manifest.layers, strict=True))


def find(store: Store, text: str) -> tuple[Descriptor, Reference | None]:
    """Return the descriptor, of a manifest or an index, that `text` names, and the reference it was found by."""
    if digests.is_digest(text) or _is_long_id(text):
        return _by_id(store, text), None
    try:
        reference = parse_reference(text)
    except ReferenceInvalid:
        if not _is_id(text):
            raise
        return _by_id(store, text), None
    if reference.digest:
        return _by_id(store, reference.digest), reference
    if found := store.references.get(reference):
        return found, reference
    if _is_id(text):
        return _by_id(store, text), None
    raise unknown(store, text)


def fitting(image: Image, named: Descriptor, text: str, wanted: Platform | None) -> Image:
    """Return an image if it is for the platform that was asked for; of an index it was chosen so. Raises ImageNotFound."""
    if wanted is None or named.is_index:
        return image
    config = image.config
    offered = platforms.Platform(config.os, config.architecture, config.variant)
    if wanted.rank(offered) is None:
        hint = f"`muelle pull --platform {wanted} {text}` fetches one that is, if there is one"
        raise ImageNotFound(f'"{text}" is for {offered}, not for {wanted}', hint=hint)
    return image


def pick(blobs: Blobs, descriptor: Descriptor, platform: Platform | None) -> Descriptor:
    """Return the manifest that `descriptor` leads to: itself, or of an index the one for `platform`."""
    depth = 0
    while descriptor.is_index:
        document = manifests.parse(
            blobs.read(descriptor.digest),
            media_type=descriptor.media_type,
            where=f"index {descriptor.digest}",
        )
        assert isinstance(document, Index)
        wanted = platform or platforms.host()
        chosen = document.pick(wanted) or _only(document, platform)
        if chosen is None or depth > 2:
            offered = ", ".join(str(one.platform) for one in document.manifests if one.platform) or "none"
            raise ImageNotFound(
                f"index {descriptor.digest}: no image for {wanted}", hint=f"it has: {offered}"
            )
        if not blobs.has(chosen.digest):
            here = ", ".join(
                str(one.platform) for one in document.manifests if one.platform and blobs.has(one.digest)
            )
            only = f", only for {here}" if here else ""
            hint = f"`muelle pull --platform {chosen.platform or wanted}` fetches it"
            raise ImageNotFound(
                f"index {descriptor.digest}: its image for {wanted} is not here{only}", hint=hint
            )
        descriptor, depth = chosen, depth + 1
    return descriptor


def pick_here(blobs: Blobs, descriptor: Descriptor) -> Descriptor:
    """Return the manifest for this machine, or else the only one that is here, which is enough to look at. Raises so."""
    try:
        return pick(blobs, descriptor, None)
    except ImageNotFound:
        from estiba.images.reach import reachable

        here = {one.digest: one for one in reachable(blobs, descriptor) if one.media_type in media.MANIFESTS}
        if len(here) != 1:
            raise
        return here.popitem()[1]


def _only(document: Index, platform: Platform | None) -> Descriptor | None:
    """Return the one manifest of an index that says nothing of platforms, if none was asked for."""
    only = document.manifests[0] if len(document.manifests) == 1 else None
    return only if only and only.platform is None and platform is None else None


def _manifest(blobs: Blobs, descriptor: Descriptor) -> Manifest:
    where = f"manifest {descriptor.digest}"
    data = blobs.read(descriptor.digest)
    if len(data) != descriptor.size:
        raise BlobCorrupt(f"{where}: {len(data)} bytes, where {descriptor.size} were promised")
    found = manifests.parse_manifest(data, media_type=descriptor.media_type, where=where)
    if not found.is_image:
        kind = found.artifact_type or found.config.media_type
        raise ManifestInvalid(f'{where}: an artifact of the type "{kind}", not an image')
    return found


def candidates(store: Store) -> Iterator[Descriptor]:
    """Yield what any name, present or past, or the list of nameless images leads to; may repeat itself."""
    yield from store.references.nameless()
    for reference in store.references.logged():
        for record in store.references.log(reference):
            if record.descriptor:
                yield record.descriptor


def _by_id(store: Store, text: str) -> Descriptor:
    prefix = text.removeprefix(digests.PREFIX)
    found: dict[str, Descriptor] = {}
    for descriptor in candidates(store):
        if descriptor.digest in found or not store.blobs.has(descriptor.digest):
            continue
        if any(one.removeprefix(digests.PREFIX).startswith(prefix) for one in _ids(store, descriptor)):
            found[descriptor.digest] = descriptor
    if len(found) > 1:
        raise ImageNotFound(
            f'"{text}" begins the ids of {len(found)} images', hint=f"they are: {', '.join(found)}"
        )
    if not found:
        raise unknown(store, text)
    return next(iter(found.values()))


def _ids(store: Store, descriptor: Descriptor) -> list[str]:
    """Return the digests that an image is known by: its manifest's or index's, and its config's."""
    if descriptor.is_index:
        return [descriptor.digest]
    document = manifests.parse_manifest(
        store.blobs.read(descriptor.digest), where=f"manifest {descriptor.digest}"
    )
    return [descriptor.digest, document.config.digest]


def _is_long_id(text: str) -> bool:
    return len(text) == 64 and digests.is_hexadecimal(text)


def _is_id(text: str) -> bool:
    digits = text.removeprefix(digests.PREFIX)
    return len(digits) >= _SHORTEST_ID and digests.is_hexadecimal(digits)


def unknown(store: Store, text: str) -> ImageNotFound:
    """Return what to raise for a word that means no image here, with the name that was likely meant."""
    from difflib import get_close_matches

    names = [reference.familiar for reference, _ in store.references.iterate()]
    close = get_close_matches(text, [*names, *(one.removesuffix(":latest") for one in names)], 1)
    hint = (
        f'did you mean "{close[0]}"?'
        if close
        else "`muelle images` lists what is here; `muelle pull` fetches"
    )
    return ImageNotFound(f'there is no image "{text}" in the store', hint=hint)
