# SPDX-License-Identifier: Apache-2.0
"""Remove containers that were to go with their program, and whose `run` was killed before it could see to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.muelle import containers

if TYPE_CHECKING:
    from estiba.images.store import Store


def sweep(store: Store) -> list[str]:
    """Kill what still runs in them and remove them; return their ids."""
    gone = []
    for kept in containers.abandoned(containers.folder_of(store)):
        from estiba.lifecycle.container import Container

        Container(kept.id, root=kept.root).delete(force=True)
        containers.remove(kept)
        gone.append(kept.id)
    return gone
