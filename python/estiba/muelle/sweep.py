# SPDX-License-Identifier: Apache-2.0
"""Remove containers that were to go with their program, and whose `run` was killed before it could see to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.muelle import containers

if TYPE_CHECKING:
    from estiba.images.store import Store


def sweep(store: Store, root: str | None) -> list[str]:
    """Kill what still runs in them and remove them; return their ids. `root` is the engine's state root."""
    gone = []
    for folder in containers.abandoned(containers.folder_of(store)):
        from estiba.lifecycle.container import Container
        from estiba.rootfs.remove import remove_tree

        Container(folder.name, root=root).delete(force=True)
        (folder / containers.RECORD).unlink(missing_ok=True)
        remove_tree(folder)
        gone.append(folder.name)
    return gone
