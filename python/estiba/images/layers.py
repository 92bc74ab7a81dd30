# SPDX-License-Identifier: Apache-2.0
"""Unpacked layers, shared by every image that has them: one folder a chain id, made once, then only read.

    layers/HEX/fs/          what the layer adds, in overlay's form
    layers/HEX/layer.json   what it is, and which blobs were seen to hold it; the folder got its name when all was whole

What a kill leaves is in tmp. What a power cut leaves is another matter: unpacking does not wait for the disk, so each
layer says in which boot it was made, until `settle` has synced it. One of an earlier boot is unpacked again from
its blob, which is durable.
"""

from __future__ import annotations

import json
import os
from errno import EEXIST, ENOTEMPTY
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from estiba.errors import BlobCorrupt, ImageError, ManifestInvalid
from estiba.images import digest as digests
from estiba.images import media
from estiba.images.durable import read_bounded, refused, replace_file
from estiba.images.fields import parse_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from estiba.images.manifest import Descriptor
    from estiba.images.store import Store

_BOOT = "/proc/sys/kernel/random/boot_id"
_RECORD = "layer.json"


class Layer(NamedTuple):
    """What layer.json says."""

    chain_id: str
    diff_id: str
    parent: str | None
    """The chain below, None for the lowest layer."""
    size: int
    """Bytes of its files, unpacked."""
    entries: int
    is_opaque: bool = False
    """Whether its root hides all that is below; the kernel does not look there, so `ensure` leaves those out."""
    boot: str | None = None
    """The boot in which it was made, while it is not known to be on the disk."""
    blobs: tuple[str, ...] = ()
    """The blobs that were seen to hold it; how they are packed may differ."""


class Wanted(NamedTuple):
    """A layer to be unpacked, and what it lies on."""

    diff_id: str
    descriptor: Descriptor
    parent: str | None
    chain_id: str


class Layers:
    """The folder `layers` of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.folder("layers")

    def path(self, chain_id: str) -> str:
        """Return the folder with the layer's own files, whether it is there or not."""
        return os.path.join(self._home(chain_id), "fs")

    def get(self, chain_id: str) -> Layer | None:
        """Return what is known of an unpacked layer; None if it is not here, or may not have reached the disk."""
        layer = self.record(chain_id)
        return layer if layer and layer.chain_id == chain_id and layer.boot in (None, _boot()) else None

    def record(self, chain_id: str) -> Layer | None:
        """Return what its layer.json says, whether it can be trusted or not; None if it cannot be read."""
        try:
            data = read_bounded(os.path.join(self._home(chain_id), _RECORD), 1 << 16)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused("read", self._home(chain_id), error) from error
        return _parse(data)

    def ensure(self, stack: Iterable[tuple[str, Descriptor]]) -> list[str]:
        """Return the folders of layers, bottom to top; those that are missing are unpacked, side by side.

        A layer is given by its diff id and its blob.

        What is below a layer that hides everything is left out. Raises LayerInvalid, BlobNotFound, BlobCorrupt,
        KernelRefused, StoreError, ManifestInvalid.
        """
        layers = stacked(stack)
        known = [self.get(one.chain_id) for one in layers]
        missing = [position for position, layer in enumerate(known) if layer is None]
        if missing:
            with self._store.using(), self._store.tmp() as folder:
                made = self._unpack_all([layers[position] for position in missing], folder)
                for position, layer in zip(missing, made, strict=True):
                    known[position] = layer
        opaque = [position for position, layer in enumerate(known) if layer and layer.is_opaque]
        return [self.path(one.chain_id) for one in layers[opaque[-1] if opaque else 0 :]]

    def is_proved(self, wanted: Wanted) -> bool:
        """Return whether the blob was seen to hold the layer, in this boot or an earlier one: blobs do not change."""
        layer = self.record(wanted.chain_id)
        if layer is None or layer.chain_id != wanted.chain_id:
            return False
        return wanted.descriptor.digest in layer.blobs

    def prove(self, wanted: Wanted) -> None:
        """See that the blob holds the layer that its diff id names, unless that was seen before: unpack it.

        So the layer is there when it is needed. Where it is there already, from another blob, this one is unpacked
        aside. Raises as `ensure`; then nothing is there that was not before.
        """
        if self.is_proved(wanted):
            return
        with self._store.using(), self._store.tmp() as folder:
            made = self._unpack(wanted, folder)
        if (blob := wanted.descriptor.digest) not in made.blobs:
            self.check(wanted)
            self._record(made._replace(blobs=(*made.blobs, blob)))

    def check(self, wanted: Wanted) -> None:
        """Unpack a layer aside, whether it is here or not, and forget it. Raises as `ensure`."""
        source = self._store.blobs.open(wanted.descriptor.digest)
        try:
            with self._store.tmp() as folder:
                self._unpack_into(os.path.join(folder, "checked"), source, wanted)
        finally:
            os.close(source)

    def adopt(
        self, parent: str | None, diff_id: str, folder: str, *, blob: str, size: int = 0, entries: int = 0
    ) -> str:
        """Take `folder`, in the store's file system, as the layer `diff_id` on `parent`; return its chain id.

        It holds the files in `fs` and nothing else. It is renamed, not copied, and must not be written any more. The
        layer's `blob` has to be in the store already, since a power cut may take the folder. A layer that is here
        already stays, and so does `folder`. Raises StoreError.
        """
        chain_id = digests.chain_id(parent, diff_id)
        if not self.get(chain_id):
            hides_all = _hides_all(os.path.join(folder, "fs"), self._store.overlay)
            layer = Layer(chain_id, diff_id, parent, size, entries, hides_all, _boot(), (blob,))
            self._name(folder, layer)
        return chain_id

    def remove(self, chain_id: str) -> None:
        """Remove an unpacked layer that nobody mounts; it loses its name first. Raises StoreError."""
        with self._store.tmp() as folder:
            try:
                os.rename(self._home(chain_id), os.path.join(folder, "removed"))
            except FileNotFoundError:
                return
            except OSError as error:
                raise refused("remove", self._home(chain_id), error) from error

    def iterate(self) -> Iterator[str]:
        """Yield the chain id of each folder that is here, whole or not, in no order."""
        for name in os.listdir(self._folder):
            if digests.is_digest(chain_id := digests.PREFIX + name):
                yield chain_id

    def settle(self) -> None:
        """Bring all layers to the disk, so that they outlive a power cut without being unpacked again."""
        unsettled = [layer for one in self.iterate() if (layer := self.get(one)) and layer.boot]
        if unsettled:
            from estiba import _core

            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _core.sync_filesystem(descriptor)
            finally:
                os.close(descriptor)
            for layer in unsettled:
                self._record(layer._replace(boot=None))

    def _home(self, chain_id: str) -> str:
        return os.path.join(self._folder, digests.hex_of(chain_id))

    def _record(self, layer: Layer) -> None:
        replace_file(os.path.join(self._home(layer.chain_id), _RECORD), _write(layer))

    def _unpack_all(self, layers: Sequence[Wanted], folder: str) -> list[Layer]:
        if len(layers) == 1:
            return [self._unpack(layers[0], folder)]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            futures = [pool.submit(self._unpack, each, folder) for each in layers]
            try:
                return [future.result() for future in futures]
            except BaseException:
                for future in futures:
                    future.cancel()
                raise

    def _unpack(self, wanted: Wanted, folder: str) -> Layer:
        """Unpack one layer. Who holds the lock on its blob unpacks it; others wait and find it made."""
        import fcntl

        source = self._store.blobs.open(wanted.descriptor.digest)
        try:
            fcntl.flock(source, fcntl.LOCK_EX)
            if made := self.get(wanted.chain_id):
                return made
            made_at = os.path.join(folder, digests.hex_of(wanted.chain_id))
            layer = self._unpack_into(made_at, source, wanted)
            self._name(made_at, layer)
            return layer
        finally:
            os.close(source)

    def _unpack_into(self, made: str, source: int, wanted: Wanted) -> Layer:
        from estiba.images.unpack import unpack_layer

        descriptor = wanted.descriptor
        if descriptor.media_type not in media.LAYERS:
            raise ManifestInvalid(
                f'layer {descriptor.digest}: its media type "{descriptor.media_type}" is none of a layer'
            )
        tree = os.path.join(made, "fs")
        os.makedirs(tree, 0o755)
        target = os.open(tree, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            unpacked = unpack_layer(
                source,
                target,
                digest=descriptor.digest,
                size=descriptor.size,
                diff_id=wanted.diff_id,
                rootless=self._store.is_rootless,
            )
        except BlobCorrupt as error:
            raise self._explained(error, descriptor.digest) from error
        finally:
            os.close(target)
        return Layer(
            wanted.chain_id,
            wanted.diff_id,
            wanted.parent,
            unpacked.bytes,
            unpacked.entries,
            _hides_all(tree, self._store.overlay),
            _boot(),
            (descriptor.digest,),
        )

    def _explained(self, error: BlobCorrupt, digest: str) -> BlobCorrupt:
        """Return an error that tells whether the blob is damaged here, or the image says what it is not."""
        if self._store.blobs.found(digest) == digest:
            hint = "the blob is as it was made, but its image has another diff_id for it: who made it has to mend it"
            return BlobCorrupt(f"layer {digest}: {error.message}", hint=hint)
        return BlobCorrupt(error.message, hint="pull or load the image again after `muelle fsck --repair`")

    def _name(self, made: str, layer: Layer) -> None:
        """Give a finished folder its name. One that is there and not trusted (see `get`) makes way."""
        home = self._home(layer.chain_id)
        try:
            with open(os.path.join(made, _RECORD), "wb") as file:
                file.write(_write(layer))
            if os.path.exists(home) and not self.get(layer.chain_id):
                os.rename(home, f"{made}.old")
            os.rename(made, home)
        except OSError as error:
            if error.errno in (EEXIST, ENOTEMPTY) and self.get(layer.chain_id):
                return  # another process was faster, with the same layer
            raise refused("make", home, error) from error


def stacked(stack: Iterable[tuple[str, Descriptor]]) -> list[Wanted]:
    """Return layers, given by diff id and blob, bottom to top, each on what is below it."""
    layers: list[Wanted] = []
    for diff_id, descriptor in stack:
        parent = layers[-1].chain_id if layers else None
        layers.append(Wanted(diff_id, descriptor, parent, digests.chain_id(parent, diff_id)))
    return layers


def _parse(data: bytes) -> Layer | None:
    """Return what a layer.json says; None if a power cut left something else."""
    try:
        fields = parse_object(data, _RECORD)
        parent = fields.digest("parent") if fields.values.get("parent") else None
        return Layer(
            fields.digest("chain_id"),
            fields.digest("diff_id"),
            parent,
            fields.number("size"),
            fields.number("entries"),
            fields.flag("is_opaque"),
            fields.optional_text("boot"),
            tuple(fields.texts("blobs")),
        )
    except ImageError:
        return None


def _write(layer: Layer) -> bytes:
    return json.dumps(layer._asdict()).encode()


def _hides_all(tree: str, overlay: str) -> bool:
    try:
        return os.getxattr(tree, f"{overlay}.overlay.opaque") == b"y"
    except OSError:
        return False


@cache
def _boot() -> str:
    with open(_BOOT) as file:
        return file.read().strip()
