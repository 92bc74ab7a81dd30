# SPDX-License-Identifier: Apache-2.0
"""JSON text to values, as strict as the engine's reader; what is wrong with a text is told by json_faults."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from estiba.errors import ConfigInvalid
from estiba.spec import json_faults
from estiba.spec.node import child

DEEPEST = 127
"""How many arrays and objects may stand in each other; the engine's reader counts alike."""


class _Duplicate(Exception):
    """An object has a name twice; json_faults finds it again with its place."""


def parse(text: bytes | str, name: str) -> object:
    """Read JSON. Raises ConfigInvalid that says where in the file `name` it is no JSON, and why."""
    decoded = text if isinstance(text, str) else _decode(text, name)
    try:
        value: object = json.loads(
            decoded, object_pairs_hook=_object, parse_float=_float, parse_constant=_constant
        )
    except json.JSONDecodeError as error:
        raise json_faults.not_json(decoded, error, name) from None
    except _Duplicate:
        raise json_faults.duplicate_name(decoded, name) from None
    except RecursionError:
        raise _too_deep(name) from None
    except ValueError:
        raise json_faults.bad_number(decoded, name) from None
    _check(value, name)
    return value


def _decode(text: bytes, name: str) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        before = text[: error.start].decode("utf-8")
        where = json_faults.where(name, before, len(before))
        message = f"{where}: byte 0x{text[error.start]:02x} is not UTF-8"
        raise ConfigInvalid(message, hint="save the file as UTF-8") from None


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Duplicate
    return made


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


def _constant(word: str) -> object:
    raise ValueError(word)


def _check(value: object, name: str) -> None:
    """Refuse what Python reads and the engine does not: deep nesting and halves of surrogate pairs."""
    level = [("", value)]
    for _ in range(DEEPEST + 1):
        if not level:
            return
        level = [inner for pointer, each in level for inner in _containers(pointer, each, name)]
    raise _too_deep(name)


def _containers(pointer: str, value: object, name: str) -> Iterator[tuple[str, object]]:
    """Check the texts of an array or object, and give what has to be looked into next."""
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        if isinstance(key, str):
            _check_text(pointer, key, name)
        if isinstance(inner, str):
            _check_text(child(pointer, key), inner, name)
        elif isinstance(inner, (dict, list)):
            yield child(pointer, key), inner


def _check_text(pointer: str, text: str, name: str) -> None:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        message = f"{name} {pointer}: {json.dumps(text)} has half of a surrogate pair"
        raise ConfigInvalid(message, pointer=pointer, hint="write the character itself, as UTF-8")


def _too_deep(name: str) -> ConfigInvalid:
    return ConfigInvalid(f"{name}: more than {DEEPEST} arrays and objects in each other")
