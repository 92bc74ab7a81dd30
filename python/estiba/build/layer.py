# SPDX-License-Identifier: Apache-2.0
"""A layer of an image that is being built: found in the store, or fresh and still being packed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from estiba.images.digest import chain_id

if TYPE_CHECKING:
    from estiba.images.manifest import Descriptor


class Layer:
    """One layer on top of another. Its identity may come later than its files; who asks for it waits."""

    def __init__(self, parent: Layer | None, *, folder: str | None = None) -> None:
        self.parent = parent
        self.folder = folder
        """Where the files are, in overlay form, of a layer that is not unpacked in the store."""
        self.is_fresh: bool = folder is not None or (parent is not None and parent.is_fresh)
        """Whether it, or what it lies on, was made in this build: no result can lie on it yet."""
        self._known = threading.Event()
        self._diff_id = ""
        self._chain_id = ""
        self._descriptor: Descriptor | None = None
        self._failure: BaseException | None = None

    @classmethod
    def found(cls, parent: Layer | None, diff_id: str, descriptor: Descriptor) -> Layer:
        """Make a layer that is in the store."""
        layer = cls(parent)
        layer._diff_id, layer._descriptor = diff_id, descriptor
        layer._known.set()
        return layer

    @property
    def is_known(self) -> bool:
        """Whether its identity can be had without waiting."""
        return self._known.is_set() and (self.parent is None or self.parent.is_known)

    @property
    def is_whole(self) -> bool:
        """Whether it is known, and neither it nor what it lies on was given up."""
        return self.is_known and self._failure is None and (self.parent is None or self.parent.is_whole)

    @property
    def diff_id(self) -> str:
        """The digest of its tar. Waits; raises what packing raised."""
        self._wait()
        return self._diff_id

    @property
    def chain_id(self) -> str:
        """The digest of all layers up to this one. Waits for all of them."""
        self._wait()
        if not self._chain_id:
            self._chain_id = chain_id(self.parent.chain_id if self.parent else None, self._diff_id)
        return self._chain_id

    @property
    def descriptor(self) -> Descriptor:
        """Its blob's. Waits."""
        self._wait()
        assert self._descriptor is not None
        return self._descriptor

    def identify(self, diff_id: str, descriptor: Descriptor) -> None:
        """Say what it is; waits until its parent is known, so that who is told of it can settle it."""
        self._diff_id, self._descriptor = diff_id, descriptor
        self._chain_id = chain_id(self.parent.chain_id if self.parent else None, diff_id)
        self._known.set()

    def fail(self, error: BaseException) -> None:
        """Let all who wait for it raise `error`."""
        self._failure = error
        self._known.set()

    def _wait(self) -> None:
        self._known.wait()
        if self._failure is not None:
            raise self._failure


def chain(layer: Layer | None) -> list[Layer]:
    """Return a layer and all below it, bottom to top."""
    found: list[Layer] = []
    while layer is not None:
        found.append(layer)
        layer = layer.parent
    return found[::-1]
