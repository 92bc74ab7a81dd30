# SPDX-License-Identifier: Apache-2.0
"""list: the containers of a state root."""

from __future__ import annotations

import json

from estiba import _core
from estiba.cli.settings import root
from estiba.command_line.run import say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from estiba.cli.parse import Parsed

COLUMNS = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")


def listing(parsed: Parsed) -> int:
    """Print ids, a table or JSON."""
    where = root(parsed)
    if parsed.options.flag("quiet"):
        say("".join(f"{id}\n" for id in _core.containers(root=where)))
        return 0
    rows = with_owners(json.loads(_core.states(root=where)))
    if parsed.options.text("format") == "json":
        say(json.dumps(rows) + "\n")
    else:
        cells = [[str(row.get(column.lower(), "")) for column in COLUMNS] for row in rows]
        say(table([list(COLUMNS), *cells]))
    return 0


def with_owners(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the users' names in the place of their numbers."""
    names = {uid: owner(uid) for uid in {row["owner"] for row in rows}}
    return [{**row, "owner": names[row["owner"]]} for row in rows]


def owner(uid: int) -> str:
    """Return the name of the user who made a container, or the number where there is none."""
    import pwd

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
