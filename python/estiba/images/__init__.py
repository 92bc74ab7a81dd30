# SPDX-License-Identifier: Apache-2.0
"""Images as stacks of layers: kept by digest, shared, named by references that remember, moved between stores.

    store = Store.open()
    image = Image.resolve(store, "web")
    image.config.config["Cmd"], image.lowers()

Each name is loaded when it is first asked for, so that `import estiba.images` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.images.blobs import Blobs
    from estiba.images.changes import Change, compare
    from estiba.images.config import History, ImageConfig
    from estiba.images.history import Row, Version
    from estiba.images.image import Image
    from estiba.images.layout import Layout
    from estiba.images.manifest import Descriptor, Index, Manifest
    from estiba.images.platform import Platform
    from estiba.images.record import Record
    from estiba.images.reference import Reference
    from estiba.images.references import References
    from estiba.images.stack import Stack
    from estiba.images.store import Store, default_root

__all__ = [
    "Blobs",
    "Change",
    "Descriptor",
    "History",
    "Image",
    "ImageConfig",
    "Index",
    "Layout",
    "Manifest",
    "Platform",
    "Record",
    "Reference",
    "References",
    "Row",
    "Stack",
    "Store",
    "Version",
    "compare",
    "default_root",
]

_HOME = {
    "Blobs": "blobs",
    "Change": "changes",
    "Descriptor": "manifest",
    "History": "config",
    "Image": "image",
    "ImageConfig": "config",
    "Index": "manifest",
    "Layout": "layout",
    "Manifest": "manifest",
    "Platform": "platform",
    "Record": "record",
    "Reference": "reference",
    "References": "references",
    "Row": "history",
    "Stack": "stack",
    "Store": "store",
    "Version": "history",
    "compare": "changes",
    "default_root": "store",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
