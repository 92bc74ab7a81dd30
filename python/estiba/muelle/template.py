# SPDX-License-Identifier: Apache-2.0
"""--format '{{.Config.Cmd}}': of Go's templates, the part that people use with Docker: fields, and json of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from estiba.errors import ArgumentInvalid
from estiba.spec.words import nearest, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

FIELD = re.compile(r"\{\{\s*(json\s+)?((?:\.[A-Za-z0-9_]+)+|\.)\s*\}\}")


def filled(template: str, values: dict[str, Any]) -> str:
    """Put values where the template names them; `\\t` and `\\n` are what Go makes of them.

    Raises ArgumentInvalid for a field that is not there, and for all else that Go knows and we do not.
    """

    def put(match: re.Match[str]) -> str:
        value = field(match[2], values)
        return json.dumps(value) if match[1] else shown(value)

    done = FIELD.sub(put, template.replace("\\t", "\t").replace("\\n", "\n"))
    rest = FIELD.sub("", template)
    if "{{" in rest:
        hint = "fields work: {{.ID}}, {{.Config.Cmd}}, {{json .Config}}; for more, take --format json and jq"
        raise ArgumentInvalid(
            f"--format: {quote(rest[rest.index('{{') :])} is more than is understood", hint=hint
        )
    if done == template:
        raise ArgumentInvalid(
            f"--format: {quote(template)} names no field", hint="write table, json or such as {{.ID}}"
        )
    return done


def laid_out(template: str, rows: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Return the titles and the cells of a table whose columns tabs part: a title is the name of a field.

    Raises ArgumentInvalid.
    """
    columns = [part.strip() for part in template.replace("\\t", "\t").split("\t")]
    titles = [FIELD.sub(lambda match: match[2].rpartition(".")[2].upper(), column) for column in columns]
    return titles, [[filled(column, row) for column in columns] for row in rows]


def field(path: str, values: dict[str, Any]) -> Any:
    """Return what `.A.B` names; `.Id` is `.ID` where that is how it is written. Raises ArgumentInvalid."""
    found: Any = values
    for asked in [part for part in path.split(".") if part]:
        name = asked
        if isinstance(found, dict) and name not in found:
            name = next((known for known in found if known.lower() == asked.lower()), asked)
        if not isinstance(found, dict) or name not in found:
            near = nearest(name, found) if isinstance(found, dict) else None
            raise ArgumentInvalid(
                f"--format: there is no field {quote(name)}",
                hint=f"did you mean {quote(near)}?" if near else None,
            )
        found = found[name]
    return found


def shown(value: Any) -> str:
    """Return a value as Go prints it where that is plain, else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else json.dumps(value)
