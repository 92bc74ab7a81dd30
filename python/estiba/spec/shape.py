# SPDX-License-Identifier: Apache-2.0
"""Whether a config has the shape of the schema, said in our sentences rather than in those of a validator.

jsonschema finds what is wrong. It takes longer to load than most verbs take to run, so a look of our own at the few
keywords that our schema uses comes first: what it is content with has no fault, and most configs have none.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from estiba.problems import Problem
from estiba.spec.node import child
from estiba.spec.words import advice, name, nearest, quote
from estiba.tables.namespaces import NAMESPACES

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

ALIASES = {short: long for long, (_, short) in NAMESPACES.items()}
"""What people write for a namespace type, thinking of /proc/PID/ns."""


def problems(value: Any, document: str) -> list[Problem]:
    """List where `value` departs from the schema `document` ("CONFIG", "PROCESS", "RESOURCES")."""
    from estiba.spec import schema

    if conforms(value, getattr(schema, document)):
        return []
    found: dict[tuple[str, str], Problem] = {}
    for error in faults(value, document):
        for problem in _sentences(error):
            found.setdefault((problem.pointer, problem.message), problem)
    return list(found.values())


VALUES = {"type", "enum", "minimum", "maximum", "pattern"}
KEYWORDS = VALUES | {"items", "minItems", "properties", "additionalProperties", "required"}
"""Those that `conforms` knows."""

TYPES: dict[type, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    list: "array",
    dict: "object",
    type(None): "null",
}


def conforms(value: Any, schema: Mapping[str, Any]) -> bool:
    """Return whether jsonschema would find nothing; where there is doubt, False."""
    kind, wanted = TYPES.get(type(value)), schema["type"]
    if kind != wanted and (kind is None or kind not in wanted or isinstance(wanted, str)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if kind == "string":
        return "pattern" not in schema or re.search(schema["pattern"], value) is not None
    if kind == "integer":
        return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))
    if kind == "array":
        return len(value) >= schema.get("minItems", 0) and all(conforms(v, schema["items"]) for v in value)
    if kind == "object":
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        return all(name in value for name in schema.get("required", ())) and all(
            conforms(inner, known.get(name, others))
            for name, inner in value.items()
            if name in known or others is not None
        )
    return True


def faults(value: Any, document: str) -> Iterator[ValidationError]:
    """What jsonschema finds."""
    errors: Iterator[ValidationError] = _validator(document).iter_errors(value)
    return errors


@functools.cache
def _validator(document: str) -> Any:
    import jsonschema

    from estiba.spec import schema

    # JSON schema calls 1.0 an integer; runtimes in Go, C and Rust do not, nor does our engine.
    checker = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
    strict = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
        jsonschema.Draft202012Validator, type_checker=checker
    )
    return strict(getattr(schema, document))


def _is_integer(_: object, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _sentences(error: ValidationError) -> Iterator[Problem]:
    pointer = ""
    for key in error.absolute_path:
        pointer = child(pointer, key)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "required":
        yield from _missing(pointer, error.instance, schema)
    elif error.validator == "type":
        found, expected = name(error.instance), schema["expected"]
        yield Problem(pointer, f"found {found}, expected {expected}", _retype(error.instance, schema))
    elif error.validator == "enum":
        if isinstance(error.instance, str):  # any other is reported for its type
            yield _not_one_of(pointer, error.instance, schema)
    elif error.validator in ("minimum", "maximum"):
        message = f"{quote(error.instance)} is out of range, expected {schema['expected']}"
        yield Problem(pointer, message, schema.get("hint"))
    elif error.validator == "pattern" and "\0" in str(error.instance):
        yield Problem(pointer, f"{quote(error.instance)} has a NUL character, where the kernel ends a text")
    else:
        yield Problem(pointer, f"found {quote(error.instance)}, expected {schema['expected']}")


def _missing(pointer: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[Problem]:
    known = schema["properties"]
    unknown = [key for key in instance if key not in known]
    for key in schema["required"]:
        if key in instance:
            continue
        near = nearest(key, unknown)
        hint = f"{quote(near)} is there: names are exact" if near else f'"{key}": {known[key]["description"]}'
        yield Problem(pointer, f'"{key}" is missing', hint)


def _not_one_of(pointer: str, instance: str, schema: Mapping[str, Any]) -> Problem:
    words = [word for word in schema["enum"] if word is not None]
    hint = advice(instance, words, ALIASES if "pid" in words else None)
    return Problem(pointer, f"{quote(instance)} is not {schema['expected']}", hint)


def _retype(instance: object, schema: Mapping[str, Any]) -> str | None:
    """Show the value as it should have been written, if there is no doubt about it."""
    wanted = schema["type"][0] if isinstance(schema["type"], list) else schema["type"]
    if wanted == "array" and isinstance(instance, str) and schema["items"].get("type") == "string":
        return f"write [{quote(instance)}]"
    if wanted == "array" and isinstance(instance, dict):
        return "put it into brackets: [{...}]"
    if wanted == "integer" and isinstance(instance, float) and instance.is_integer():
        return f"write {int(instance)}"
    if wanted == "integer" and isinstance(instance, str) and instance.lstrip("-").isdecimal():
        if (
            instance[0] == "0" and len(instance) > 1 and "hint" in schema
        ):  # octal, where permissions are meant
            return str(schema["hint"])
        return f"write {int(instance)}, without quotes"
    if wanted == "boolean" and isinstance(instance, str) and instance.lower() in ("true", "false"):
        return f"write {instance.lower()}, without quotes"
    if wanted == "string" and isinstance(instance, (int, float)) and "enum" not in schema:
        return f'write "{quote(instance)}"'
    return None
