# SPDX-License-Identifier: Apache-2.0
"""The variables that -e and --env-file give to the program."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid, cause
from estiba.spec.words import quote

if TYPE_CHECKING:
    from estiba.muelle.parse import Options


def variables(options: Options) -> list[str]:
    """Return NAME=VALUE entries; those of -e stand last, so that they win. Raises ArgumentInvalid."""
    listed = [line for path in options.list("env-file") for line in _lines(path)]
    return [entry for text in (*listed, *options.list("env")) if (entry := _entry(text)) is not None]


def _entry(text: str) -> str | None:
    """Return NAME=VALUE; a name alone has the value that it has here, and is left out where it has none."""
    name, equals, _value = text.partition("=")
    if not name:
        raise ArgumentInvalid(f"-e: {quote(text)} has no name before the =")
    if equals:
        return text
    return f"{name}={os.environ[name]}" if name in os.environ else None


def _lines(path: str) -> list[str]:
    """Read a file as Docker does: comments and empty lines left out, quotes and blanks after the = kept."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ArgumentInvalid(f"--env-file: {quote(path)}: {cause(error.errno)}") from None
    except UnicodeDecodeError:
        raise ArgumentInvalid(f"--env-file: {quote(path)} is not UTF-8") from None
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        entry = line.lstrip().removesuffix("\r")
        name = entry.partition("=")[0]
        if not entry or entry.startswith("#"):
            continue
        if not name or any(letter.isspace() for letter in name):
            hint = "a line is NAME=VALUE, or NAME alone"
            raise ArgumentInvalid(f"{path}:{number}: {quote(name)} is no variable's name", hint=hint)
        found.append(entry)
    return found
