# SPDX-License-Identifier: Apache-2.0
"""list: the containers of a state root."""

from __future__ import annotations

import json
import os
import pwd
import sys
from typing import TYPE_CHECKING, Any

from estiba import _core
from estiba.cli.settings import root
from estiba.errors import ContainerNotFound, WrongState

if TYPE_CHECKING:
    from estiba.cli.parse import Parsed

COLUMNS = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")


def listing(parsed: Parsed) -> int:
    """Print ids, a table or JSON."""
    where = root(parsed)
    ids = _core.containers(root=where)
    if parsed.options.flag("quiet"):
        sys.stdout.write("".join(f"{id}\n" for id in ids))
        return 0
    rows = [row for id in ids if (row := describe(where, id))]
    if parsed.options.text("format") == "json":
        sys.stdout.write(json.dumps(rows) + "\n")
    else:
        cells = [[str(row.get(column.lower(), "")) for column in COLUMNS] for row in rows]
        sys.stdout.write(table([list(COLUMNS), *cells]))
    return 0


def describe(where: str, id: str) -> dict[str, Any] | None:
    """Return what callers expect of one container; None if it went meanwhile."""
    try:
        return {**state_of(where, id), "owner": owner(os.stat(os.path.join(where, id)).st_uid)}
    except (ContainerNotFound, FileNotFoundError):
        return None


def state_of(where: str, id: str) -> dict[str, Any]:
    """Return the OCI state, or as much as is known where the record is absent or not ours to read."""
    try:
        state: dict[str, Any] = json.loads(_core.state(root=where, id=id))
    except WrongState:
        there = os.path.exists(os.path.join(where, id, "state.json"))
        return {
            "id": id,
            "pid": 0,
            "status": "unreadable" if there else "creating",
            "bundle": "",
            "created": "",
        }
    return state


def owner(uid: int) -> str:
    """Return the name of the user who made a container, or the number where there is none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def table(rows: list[list[str]]) -> str:
    """Lay out columns as runc does: at least 12 wide, three spaces between."""
    widths = [max(12, 3 + max(len(row[at]) for row in rows)) for at in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
        lines.append("".join([*padded, row[-1]]))
    return "".join(f"{line}\n" for line in lines)
