# SPDX-License-Identifier: Apache-2.0
"""estiba: an OCI container runtime as a library.

`from estiba import Bundle, Container`; each is loaded when it is first named.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.bundle import Bundle
    from estiba.errors import EstibaError
    from estiba.lifecycle.container import Container

__all__ = ["Bundle", "Container", "EstibaError"]

_HOME = {"Bundle": "estiba.bundle", "Container": "estiba.lifecycle.container", "EstibaError": "estiba.errors"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
