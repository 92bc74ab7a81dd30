# SPDX-License-Identifier: Apache-2.0
"""The few forms that our JSON schema is written in: text, numbers, arrays, objects, each with its description.

"expected" and "hint" are our own keywords, which JSON schema ignores: the words for what belongs there.
"""

from __future__ import annotations

from collections.abc import Iterable

Schema = dict[str, object]

U16, U32, U64 = (1 << 16) - 1, (1 << 32) - 1, (1 << 64) - 1
I32, I64 = (1 << 31) - 1, (1 << 63) - 1

LAST_ID = U32 - 1
"""The largest user or group id: the next number says "leave it as it is" to setresuid(2) and chown(2)."""

END = r"$(?!\n)"
"""The end of a text; a bare $ would let a last line feed pass."""


def text(description: str, *, expected: str = "a string", pattern: str | None = None) -> Schema:
    """A string. The kernel ends strings at NUL, so none may hold one; `pattern` has to see to that itself."""
    return {
        "description": description,
        "type": "string",
        "expected": expected,
        "pattern": pattern or r"^[^\x00]*$",
    }


def word(description: str, expected: str) -> Schema:
    """A string that is not empty."""
    return text(description, expected=expected, pattern=r"^[^\x00]+$")


def path(description: str) -> Schema:
    """An absolute path."""
    return text(description, expected="an absolute path", pattern=r"^/[^\x00]*$")


def line(description: str, *, start: str = "") -> Schema:
    """One line of text, with a fixed start if need be."""
    expected = f'one line that starts with "{start}"' if start else "one line of text"
    return text(description, expected=expected, pattern=rf"^{start}[^\x00\n]*{END}")


def choice(description: str, expected: str, values: Iterable[str]) -> Schema:
    """One of the names in `values`."""
    return {"description": description, "type": "string", "expected": expected, "enum": list(values)}


def whole(description: str, low: int, high: int, *, hint: str | None = None) -> Schema:
    """A whole number from `low` to `high`."""
    schema: Schema = {
        "description": description,
        "type": "integer",
        "expected": f"a whole number from {low} to {high}",
        "minimum": low,
        "maximum": high,
    }
    return {**schema, "hint": hint} if hint else schema


def owner(description: str) -> Schema:
    """A user or group id."""
    return whole(description, 0, LAST_ID)


def mode(description: str, high: int) -> Schema:
    """The permissions of a file, or what is taken from them."""
    return whole(description, 0, high, hint="JSON numbers are decimal: octal 022 is 18")


def size(description: str) -> Schema:
    """A number of bytes, or -1 for no limit."""
    return {**whole(description, -1, I64), "expected": "a number of bytes, or -1 for no limit"}


def flag(description: str) -> Schema:
    """True or false."""
    return {"description": description, "type": "boolean", "expected": "true or false"}


def array(description: str, expected: str, items: Schema, *, least: int = 0) -> Schema:
    """A list of `items`."""
    schema: Schema = {"description": description, "type": "array", "expected": expected, "items": items}
    return {**schema, "minItems": least} if least else schema


def texts(description: str, *, least: int = 0) -> Schema:
    """A list of strings."""
    expected = "an array with at least one string" if least else "an array of strings"
    return array(description, expected, text("one of them"), least=least)


def mapping(description: str, values: Schema) -> Schema:
    """An object whose keys are free."""
    return {
        "description": description,
        "type": "object",
        "expected": "an object",
        "additionalProperties": values,
    }


def record(description: str, properties: dict[str, Schema], required: Iterable[str] = ()) -> Schema:
    """An object with known keys. Unknown keys are ignored; null is as good as absent where absence is allowed."""
    needed = list(required)
    schema: Schema = {
        "description": description,
        "type": "object",
        "expected": "an object",
        "properties": {
            name: value if name in needed else _or_null(value) for name, value in properties.items()
        },
    }
    return {**schema, "required": needed} if needed else schema


def _or_null(schema: Schema) -> Schema:
    # Go, in which most callers are written, writes null for an unset list or object.
    changed: Schema = {**schema, "type": [schema["type"], "null"]}
    values = schema.get("enum")
    if isinstance(values, list):
        changed["enum"] = [*values, None]
    return changed
