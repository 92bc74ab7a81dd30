# SPDX-License-Identifier: Apache-2.0
"""Folders made reachable for a user without privileges, where only root can go."""

from __future__ import annotations

import shlex
from pathlib import Path


def reach(*places: Path) -> list[str]:
    """Shell commands that make folders reachable for everybody, in a mount namespace of one's own.

    An interpreter or a checkout may lie in a home that is closed to others: something open with these folders alone is
    put over it.
    """
    closed: dict[Path, list[Path]] = {}
    for place in places:
        above = [parent for parent in reversed(place.parents) if not parent.stat().st_mode & 0o001]
        if above:
            closed.setdefault(above[0], []).append(place)
    commands = []
    for number, (top, inside) in enumerate(closed.items()):
        open_ = f'"$1"/{number}'
        commands.append(f"mkdir -p -m 755 {open_} && mount -t tmpfs -o mode=755 none {open_}")
        for place in inside:
            target = f"{open_}/{shlex.quote(str(place.relative_to(top)))}"
            commands.append(f"mkdir -p {target} && mount --bind {shlex.quote(str(place))} {target}")
        commands.append(f"mount --rbind {open_} {shlex.quote(str(top))}")
    return commands
