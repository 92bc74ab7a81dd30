# SPDX-License-Identifier: Apache-2.0
"""The store: a folder with an OCI image layout, the logs of its references, its unpacked layers.

store.json     {"format": 1, "overlay": "trusted" | "user"}
lock           shared: who adds or uses; exclusive: who sweeps
oci/           the layout: any tool reads it
references/    the logs: see estiba.images.references
layers/        see estiba.images.layers
cache/ cache-mounts/ volumes/ containers/         the builder's and muelle's
tmp/NAME/      half-made things; its maker holds tmp/NAME/lock, and what nobody holds is swept on open
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING

from estiba.errors import ImageError, StoreError
from estiba.images.durable import Lock, read_bounded, refused, replace_file
from estiba.images.fields import parse_object
from estiba.images.layout import Layout
from estiba.images.references import References
from estiba.rootfs.remove import remove_tree
from estiba.rootless import is_rootless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estiba.images.blobs import Blobs
    from estiba.images.layers import Layers

FORMAT = 1
SYSTEM = "/var/lib/estiba"
FOLDERS = ("oci", "references", "layers", "cache", "cache-mounts", "volumes", "containers", "tmp")
_HELD = "lock"
_GUARD = ".guard"


def default_root() -> str:
    """Return ESTIBA_STORE if it is set; else /var/lib/estiba, or for a user without privileges
    $XDG_DATA_HOME/estiba, which is ~/.local/share/estiba if nobody says."""
    chosen = os.environ.get("ESTIBA_STORE")
    if chosen:
        return os.path.abspath(chosen)
    if not is_rootless():
        return SYSTEM
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(data, "estiba")


class Store:
    """An open store. Nothing is held while it is open; any number of processes and threads may use one."""

    def __init__(self, root: str, *, overlay: str) -> None:
        """Use `Store.open`."""
        self.root = root
        """The folder, absolute."""
        self.overlay = overlay
        """Whose extended attributes the layers' folders have: "trusted" (root) or "user" (rootless)."""
        self.layout = Layout(os.path.join(root, "oci"))
        self.references = References(os.path.join(root, "references"), self.layout)

    @classmethod
    def open(cls, root: str | os.PathLike[str] | None = None, *, create: bool = True) -> Store:
        """Return the store at `root` (see `default_root`), made if it is absent and `create` says so.

        What killed processes left is mended and swept. Raises StoreError.
        """
        path = default_root() if root is None else os.path.abspath(root)
        settings = os.path.join(path, "store.json")
        try:
            data = read_bounded(settings, 1 << 16)
        except FileNotFoundError:
            if not create:
                raise StoreError(f'there is no store at "{path}"') from None
            data = _create(path, settings)
        except OSError as error:
            raise refused("read", settings, error) from error
        store = cls(path, overlay=_overlay(data, settings))
        store.references.repair()
        store._sweep_tmp()
        return store

    def __repr__(self) -> str:
        return f"Store({self.root!r})"

    @property
    def blobs(self) -> Blobs:
        """The blobs of the layout."""
        return self.layout.blobs

    @property
    def is_rootless(self) -> bool:
        """Whether its layers are written and mounted without privileges."""
        return self.overlay == "user"

    @cached_property
    def layers(self) -> Layers:
        """The unpacked layers."""
        from estiba.images.layers import Layers

        return Layers(self)

    def folder(self, name: str) -> str:
        """Return the path of one of FOLDERS: "cache", "volumes", "containers", ..."""
        if name not in FOLDERS:
            raise ValueError(f"{name!r} is none of {FOLDERS}")
        return os.path.join(self.root, name)

    def using(self) -> Lock:
        """Return a context that keeps `prune` out: around whatever adds blobs and layers before it names them."""
        return Lock(os.path.join(self.root, "lock"), shared=True)

    def sweeping(self) -> Lock:
        """Return a context that waits for all who add or use, and keeps them out: for `prune` and `fsck --repair`."""
        return Lock(os.path.join(self.root, "lock"))

    @contextmanager
    def tmp(self) -> Iterator[str]:
        """Make a folder in the store's file system for half-made things, and remove it with all that is in it.

        If the process is killed, the next to open the store removes it. Raises StoreError.
        """
        path = os.path.join(self.folder("tmp"), f"{os.getpid()}-{os.urandom(6).hex()}")
        held = Lock(os.path.join(path, _HELD))
        with Lock(self._guard, shared=True):
            try:
                os.mkdir(path, 0o700)
            except OSError as error:
                raise refused("make", path, error) from error
            held.take()
        try:
            yield path
        finally:
            with suppress(OSError):  # the next to open the store tries again
                remove_tree(path)
            held.release()

    @property
    def _guard(self) -> str:
        return os.path.join(self.folder("tmp"), _GUARD)

    def _sweep_tmp(self) -> None:
        """Remove the half-made things of processes that are gone; nothing while another makes or sweeps one."""
        folder = self.folder("tmp")
        if not (names := [name for name in os.listdir(folder) if name != _GUARD]):
            return
        guard = Lock(self._guard)
        if not guard.take(wait=False):
            return
        try:
            for name in names:
                path = os.path.join(folder, name)
                held = Lock(os.path.join(path, _HELD))
                try:
                    is_free = held.take(wait=False)
                except ImageError:
                    is_free = True  # swept by another meanwhile, or killed before it had its lock
                if is_free:
                    with suppress(OSError):
                        remove_tree(path)
                    held.release()
        finally:
            guard.release()


def _create(path: str, settings: str) -> bytes:
    """Make a store and return its settings; of two that make it at once one waits for the other."""
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        for name in FOLDERS:
            os.makedirs(os.path.join(path, name), 0o700, exist_ok=True)
    except OSError as error:
        hint = "use --store DIR or ESTIBA_STORE" if error.errno in (1, 13, 30) else None
        failed = refused("make", path, error)
        failed.hint = failed.hint or hint
        raise failed from error
    with Lock(os.path.join(path, "lock")):
        if not os.path.exists(settings):
            Layout(os.path.join(path, "oci")).create()
            overlay = "user" if is_rootless() else "trusted"
            replace_file(settings, json.dumps({"format": FORMAT, "overlay": overlay}).encode())
    return read_bounded(settings, 1 << 16)


def _overlay(data: bytes, settings: str) -> str:
    try:
        fields = parse_object(data, settings)
        found, overlay = fields.number("format"), fields.text("overlay")
    except ImageError as error:
        raise StoreError(error.message) from None
    if found != FORMAT:
        raise StoreError(
            f"{settings}: a store of format {found}, where {FORMAT} is read",
            hint="use the version of estiba that made it",
        )
    if overlay not in ("trusted", "user"):
        raise StoreError(f'{settings}: overlay: "{overlay}" is neither "trusted" nor "user"')
    return overlay
