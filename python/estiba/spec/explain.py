# SPDX-License-Identifier: Apache-2.0
"""What a property of the config means, from the schema: `linux.resources.memory.swap`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from estiba.errors import ArgumentInvalid
from estiba.spec.node import keys_of
from estiba.spec.schema import CONFIG
from estiba.spec.words import nearest, quote


class Meaning(NamedTuple):
    """What the schema says of one property."""

    path: str
    """As `mounts[].destination`: [] stands for any item, * for any name."""
    description: str
    expected: str
    is_required: bool
    words: tuple[str, ...]
    """The names that may stand here, where there are only some."""
    hint: str | None
    members: tuple[tuple[str, str], ...]
    """What is inside: names and descriptions; those that are required first."""


def explain(path: str) -> Meaning:
    """Say what a property means; `path` is dotted, or a JSON pointer. Raises ArgumentInvalid for an unknown one."""
    schema: Mapping[str, Any] = CONFIG
    shown, is_required = "", False
    for key in _keys(path):
        if "items" in schema:
            shown, schema = f"{shown}[]", schema["items"]
            if key.isdecimal() or not key:
                continue
        if "additionalProperties" in schema:
            shown, schema, is_required = f"{shown}.*", schema["additionalProperties"], False
            if "properties" not in schema:
                break  # what follows is of the name: those of kernel parameters have dots
            continue
        known: Mapping[str, Any] = schema.get("properties", {})
        if key not in known:
            raise _unknown(shown, key, known)
        is_required = key in schema.get("required", ())
        shown, schema = f"{shown}.{key}", known[key]
    inner = schema.get("items", schema)
    return Meaning(
        shown.lstrip(".") or "config.json",
        schema["description"],
        schema["expected"],
        is_required,
        tuple(word for word in inner.get("enum", ()) if word),
        schema.get("hint"),
        _members(inner),
    )


def _keys(path: str) -> list[str]:
    keys = keys_of(path) if path.startswith("/") else path.replace("[", ".").replace("]", "").split(".")
    return [] if keys == [""] else keys


def _members(schema: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    needed = schema.get("required", ())
    known: Mapping[str, Any] = schema.get("properties", {})
    ordered = sorted(known, key=lambda name: name not in needed)
    return tuple(
        (name, f"{known[name]['description']}{' (required)' if name in needed else ''}") for name in ordered
    )


def _unknown(shown: str, key: str, known: Mapping[str, Any]) -> ArgumentInvalid:
    where = shown.lstrip(".") or "config.json"
    near = nearest(key, known)
    command = f"estiba explain {shown.lstrip('.')}".strip()
    hint = f"did you mean {quote(near)}?" if near else f"`{command}` lists what is there"
    return ArgumentInvalid(
        f"{where} has no property {quote(key)}", hint=hint if known else f"{where} is no object"
    )
