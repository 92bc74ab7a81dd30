# SPDX-License-Identifier: Apache-2.0
"""Fresh layers are packed beside the steps that follow, and made durable together.

    a step ends ─► queue ─► [threads: pack, hash] ─► identity known ─► finished, in order
    settle: blobs synced and named, folders renamed to layers/CHAIN, results kept

A sync costs more than a small step takes; so the results of a build wait for the end, or at the latest for `PATIENCE`:
by then the bytes have long been on their way, and the first sync commits what the others would wait for. A build that
is killed before loses what was not settled, and nothing else. Folders are not synced: see estiba.images.layers.
"""

from __future__ import annotations

import os
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from estiba.build.cache import Cache, Inputs, Result
from estiba.images.manifest import Descriptor
from estiba.images.media import layer_type
from estiba.images.pack import pack_layer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.build.layer import Layer
    from estiba.build.options import Options
    from estiba.images import Store
    from estiba.images.blobs import BlobWriter
    from estiba.images.pack import Packed

THREADS = 2
PATIENCE = 2.0
"""Seconds after which results are settled although the build goes on."""


class Fresh(NamedTuple):
    """A layer that a step has made."""

    layer: Layer
    inputs: Sequence[Inputs]
    """Each finds the result again."""
    created: str
    made_by: str


class Finished(NamedTuple):
    """One that is packed, and not named yet."""

    fresh: Fresh
    packed: Packed
    writer: BlobWriter


class Packing:
    """The threads that pack, and what waits to be settled: `start`, then `add`, then `finish`."""

    def __init__(self, store: Store, options: Options) -> None:
        self._store, self._options = store, options
        self._cache = Cache(store)
        self._queue: SimpleQueue[Fresh | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._finished: list[Finished] = []
        self._unchanged: list[tuple[Layer, Inputs, Result, str]] = []
        self._waiting = 0
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._settled = time.monotonic()
        self._failure: BaseException | None = None
        """Why results could not be settled while the build went on."""
        self.moving = threading.Lock()
        """Held while folders of layers get their names, and while a stack of them is mounted."""

    def start(self) -> None:
        """Start the threads. Called by a thread that has no mounts of its own, as theirs would be the same."""
        for _ in range(THREADS):
            thread = threading.Thread(target=self._work, name="estiba-pack", daemon=True)
            self._threads.append(thread)
            thread.start()

    def add(self, fresh: Fresh) -> None:
        """Begin to pack a layer; its parent was added before it, or is known."""
        with self._lock:
            self._waiting += 1
        self._queue.put(fresh)

    def keep_unchanged(self, below: Layer | None, inputs: Inputs, result: Result, made_by: str) -> None:
        """Keep that a step changed nothing, at the latest when what it lies on is known."""
        if below is None or below.is_known:
            parent = below.chain_id if below else None
            self._cache.keep(inputs.key(parent), parent, result, made_by)
            return
        with self._lock:
            self._unchanged.append((below, inputs, result, made_by))

    def finish(self) -> None:
        """Wait for all that was added, settle it, and end the threads. Raises what kept it from being settled."""
        with self._idle:
            self._idle.wait_for(lambda: self._waiting == 0)
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self.settle()
        if self._failure is not None:
            raise self._failure
        for below, inputs, result, made_by in self._unchanged:
            if below.is_whole:
                self.keep_unchanged(below, inputs, result, made_by)

    def abandon(self, error: BaseException) -> None:
        """Give up what has not begun to be packed."""
        while True:
            try:
                fresh = self._queue.get_nowait()
            except Empty:
                return
            if fresh is None:  # `finish` is under way: nothing follows
                self._queue.put(None)
                return
            fresh.layer.fail(error)
            with self._idle:
                self._waiting -= 1
                self._idle.notify_all()

    def settle(self) -> None:
        """Make durable what is finished, then give it its names."""
        with self._lock:
            ready, self._finished = self._finished, []
            self._settled = time.monotonic()
        if not ready:
            return
        try:
            self._name(sorted(ready, key=lambda each: _depth(each.fresh.layer)))
        finally:
            for each in ready:
                each.writer.close()

    def _name(self, ready: Sequence[Finished]) -> None:
        """Sync, then give blobs and folders their names, parents first, and keep the results."""
        for each in ready:
            os.fsync(each.writer.fileno())
        for fresh, packed, writer in ready:
            layer = fresh.layer
            writer.commit(layer.descriptor.digest, is_synced=True)
            parent = layer.parent.chain_id if layer.parent else None
            with self.moving:
                folder = os.path.dirname(layer.folder or "")
                blob, size, entries = layer.descriptor.digest, packed.tar_bytes, packed.entries
                adopt = self._store.layers.adopt
                adopt(parent, layer.diff_id, folder, blob=blob, size=size, entries=entries)
                layer.folder = self._store.layers.path(layer.chain_id)
            result = Result(layer.diff_id, layer.descriptor, fresh.created)
            for inputs in fresh.inputs:
                self._cache.keep(inputs.key(parent), parent, result, fresh.made_by)
        self._store.blobs.sync_names()

    def _work(self) -> None:
        while (fresh := self._queue.get()) is not None:
            try:
                self._pack(fresh)
            except BaseException as error:  # noqa: BLE001 - whoever asks for the layer raises it
                fresh.layer.fail(error)
            with self._idle:
                self._waiting -= 1
                is_late = time.monotonic() - self._settled > PATIENCE
                self._idle.notify_all()
            if is_late:
                try:
                    self.settle()
                except BaseException as error:  # noqa: BLE001 - `finish` raises it
                    self._failure = self._failure or error

    def _pack(self, fresh: Fresh) -> None:
        writer = self._store.blobs.writer()
        folder = os.open(fresh.layer.folder or "", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            packed = pack_layer(
                folder,
                writer.fileno(),
                source="overlay",
                compression=self._options.compression,
                level=self._options.level,
                clamp_mtime=self._options.epoch,
                rootless=self._store.is_rootless,
            )
        except BaseException:
            writer.close()
            raise
        finally:
            os.close(folder)
        writer.hasten()
        kind = layer_type(self._options.compression)
        fresh.layer.identify(packed.diff_id, Descriptor(kind, packed.digest, packed.size))
        with self._lock:
            self._finished.append(Finished(fresh, packed, writer))


def _depth(layer: Layer) -> int:
    depth = 0
    while layer.parent is not None:
        layer, depth = layer.parent, depth + 1
    return depth
