# SPDX-License-Identifier: Apache-2.0
"""A layer below all others with nothing but places to mount at, so that no container writes them into its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from estiba.images.store import Store

FOLDERS = ("dev", "etc", "proc", "sys")
FILES = ("etc/hostname", "etc/hosts", "etc/resolv.conf")


def stubs(store: Store) -> str:
    """Return the layer's folder, one for all containers of the store.

    What an image has goes before it, modes and owners of folders as well.
    """
    folder = os.path.join(store.folder("containers"), ".stubs")
    if not os.path.exists(os.path.join(folder, FILES[-1])):
        for name in ("", *FOLDERS):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
            os.chmod(os.path.join(folder, name), 0o755)
        for name in FILES:
            made = os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC)
            os.fchmod(made, 0o644)
            os.close(made)
    return folder
