# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a text that should be JSON: the place, what belongs there, and the habit behind it."""

from __future__ import annotations

import json
import math
import re

from estiba.errors import ConfigInvalid
from estiba.spec.words import quote

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+|"')
"""What a reader sees as one thing; a lone quote is a string without an end."""

FOREIGN = {"True": "true", "False": "false", "None": "null", "nil": "null", "undefined": "null"}
"""Words of other languages that people write into JSON."""


def where(name: str, text: str, position: int) -> str:
    """Name a place as compilers do: file:line:column, counted from 1."""
    line = text.count("\n", 0, position) + 1
    column = position - text.rfind("\n", 0, position)
    return f"{name}:{line}:{column}"


def not_json(text: str, error: json.JSONDecodeError, name: str) -> ConfigInvalid:
    """Explain why a text is no JSON, in other words than the reader's."""
    if not text.strip():
        return ConfigInvalid(f"{name}: the file is empty", hint="`estiba spec` writes a config to start from")
    if text.startswith("\ufeff"):
        message = f"{name}:1:1: a byte order mark, which JSON does not have"
        return ConfigInvalid(message, hint="save the file as UTF-8 without it")
    if error.msg.startswith("Unterminated string"):
        return ConfigInvalid(f"{where(name, text, error.pos)}: the string that starts here has no end")
    if error.msg.startswith("Invalid control character"):
        message = f"{where(name, text, error.pos)}: {quote(text[error.pos])} as it is in a string"
        return ConfigInvalid(message, hint=r"write it as \n, \t or \u00XX; or is a quote missing before it?")
    if error.msg.startswith("Invalid \\"):
        message = f"{where(name, text, error.pos)}: an escape that JSON does not have"
        return ConfigInvalid(message, hint=r"it has \" \\ \/ \b \f \n \r \t \uXXXX")
    return _misplaced(text, error, name)


def _misplaced(text: str, error: json.JSONDecodeError, name: str) -> ConfigInvalid:
    # The reader points behind the last thing that it took; what is wrong comes after blanks and line ends.
    at = error.pos + len(text[error.pos :]) - len(text[error.pos :].lstrip())
    token = TOKEN.match(text, at)
    found = token[0] if token else ""
    shown = "the end of the file" if not found else found if _is_string(found) else quote(found[:40])
    expected, hint = _expected(error.msg, text, at), _habit(error.msg, text, at, found)
    if found in ("}", "]") and text[:at].rstrip().endswith(","):
        expected, hint = "something after the comma", f'remove the comma before "{found}"'
    if error.msg.startswith("Illegal trailing comma"):  # Python 3.13 points at the comma itself
        expected, shown, hint = "something after the comma", "the end", "remove the comma"
    return ConfigInvalid(f"{where(name, text, at)}: expected {expected}, found {shown}", hint=hint)


def _is_string(token: str) -> bool:
    return len(token) <= 40 and token.startswith('"') and token.isprintable()


def _expected(message: str, text: str, at: int) -> str:
    if message.startswith("Extra data"):
        return "the end of the file"
    if message.startswith("Expecting ':'"):
        return '":" after the name'
    if message.startswith("Expecting ','"):
        return f'"," or "{_closing(text, at)}"'
    if message.startswith("Expecting property name"):
        return "a name in double quotes"
    return "a value"


def _closing(text: str, at: int) -> str:
    """Find which bracket would end the innermost array or object before `at`."""
    opened: list[str] = []
    for match in TOKEN.finditer(text, 0, at):
        if match[0] in ("{", "["):
            opened.append(match[0])
        elif match[0] in ("}", "]") and opened:
            opened.pop()
    return "]" if opened and opened[-1] == "[" else "}"


def _habit(message: str, text: str, at: int, found: str) -> str | None:
    """Advise against what other formats allow."""
    if not found:
        return "the file ends too early: is it cut off?"
    if found.startswith(("//", "/*", "#")):
        return "JSON has no comments"
    if found.startswith("'"):
        return "strings stand in double quotes"
    if found in FOREIGN:
        return f"write {FOREIGN[found]}"
    if found[0].isdecimal() and text[at - 1 : at] == "0":
        return "a number does not start with 0"
    if message.startswith("Expecting ','") and found not in ("}", "]", ":"):
        return "a comma is missing before it"
    return None


def duplicate_name(text: str, name: str) -> ConfigInvalid:
    """Walk the text again for the second of two equal names in one object."""
    objects: list[dict[str, int] | None] = []
    is_name = False
    for match in TOKEN.finditer(text):
        token = match[0]
        names = objects[-1] if objects else None
        if token in ("{", "["):
            objects.append({} if token == "{" else None)
        elif token in ("}", "]"):
            objects.pop()
        elif is_name and names is not None:
            key = json.loads(token)
            if key in names:
                message = f"{where(name, text, match.start())}: {quote(key)} is there twice in one object"
                return ConfigInvalid(message, hint=f"the first is at {where(name, text, names[key])}")
            names[key] = match.start()
        is_name = token in ("{", ",")
    return ConfigInvalid(f"{name}: a name is there twice in one object")


def bad_number(text: str, name: str) -> ConfigInvalid:
    """Walk the text again for the number that is none in JSON, or larger than any type of ours."""
    for match in TOKEN.finditer(text):
        token = match[0]
        if not token.startswith('"') and token not in ("true", "false", "null") and not _is_finite(token):
            return ConfigInvalid(
                f"{where(name, text, match.start())}: {quote(token[:40])} is not a number here"
            )
    return ConfigInvalid(f"{name}: a number that cannot be read")


def _is_finite(token: str) -> bool:
    try:
        return math.isfinite(float(token))
    except ValueError:
        return token in "{}[]:,"
