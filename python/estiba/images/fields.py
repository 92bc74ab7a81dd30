# SPDX-License-Identifier: Apache-2.0
"""JSON documents from strangers, read field by field: each fault names the document and the path to the field."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from estiba.errors import ManifestInvalid
from estiba.images.digest import is_digest

_SURROGATES = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")
"""How halves of surrogate pairs are written, and whole pairs too."""


def parse_object(data: bytes, where: str) -> Fields:
    """Return the JSON object in `data`; `where` names it in errors.

    A key that occurs twice is refused: readers differ in which they take. Raises ManifestInvalid.
    """
    try:
        value = json.loads(data, object_pairs_hook=_unique, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ManifestInvalid(f"{where}: not JSON as images have it: {error}") from None
    if _SURROGATES.search(data) and (place := not_unicode(value)) is not None:
        raise ManifestInvalid(f"{where}: {'/'.join(place)}: half of a surrogate pair, which is no text")
    return Fields(value, where)


def not_unicode(value: object) -> list[str] | None:
    """Return the path to the first text of a document that has no UTF-8, itself fit to be shown; None: there is none."""
    if isinstance(value, str):
        return None if _is_unicode(value) else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in pairs:
        below = not_unicode(name) if isinstance(name, str) else None
        if below is None:
            below = not_unicode(inner)
        if below is not None:
            return [str(name).encode(errors="backslashreplace").decode(), *below]
    return None


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Fields:
    """One object of a document. Every method raises ManifestInvalid for a value of another type than its own.

    A null counts as absent, as Go writes empty fields so.
    """

    __slots__ = ("values", "where")

    def __init__(self, value: object, where: str) -> None:
        self.where = where
        """The document's name and the path inside it."""
        if not isinstance(value, dict):
            raise ManifestInvalid(f"{where}: {_kind(value)}, where an object belongs")
        self.values: dict[str, Any] = value

    def fail(self, field: str, why: str) -> NoReturn:
        """Raise ManifestInvalid for one field."""
        joint = "/" if ": " in self.where else ": "
        raise ManifestInvalid(f"{self.where}{joint}{field}: {why}")

    def text(self, field: str) -> str:
        """Return a text that must be there."""
        value = self._required(field, self.optional_text(field))
        assert isinstance(value, str)
        return value

    def optional_text(self, field: str) -> str | None:
        """Return a text, or None if it is absent."""
        return self._typed(field, str, "a text")  # type: ignore[no-any-return]

    def number(self, field: str) -> int:
        """Return a whole number >= 0 that must be there."""
        value = self._required(field, self._typed(field, int, "a whole number"))
        assert isinstance(value, int)
        if value < 0 or value is True or value is False:
            self.fail(field, f"{json.dumps(value)} is no count")
        return value

    def flag(self, field: str) -> bool:
        """Return true or false; false if it is absent."""
        return bool(self._typed(field, bool, "true or false"))

    def digest(self, field: str) -> str:
        """Return a digest that must be there."""
        value = self.text(field)
        if not is_digest(value):
            self.fail(field, f'"{value[:100]}" is not a sha256 digest')
        return value

    def nested(self, field: str) -> Fields:
        """Return an object that must be there."""
        return self.inner(field, self._required(field, self.values.get(field)))

    def objects(self, field: str) -> list[Fields]:
        """Return a list of objects; [] if it is absent."""
        values = self._typed(field, list, "a list") or []
        return [self.inner(f"{field}/{index}", value) for index, value in enumerate(values)]

    def texts(self, field: str) -> list[str]:
        """Return a list of texts; [] if it is absent."""
        values = self._typed(field, list, "a list") or []
        for index, value in enumerate(values):
            if not isinstance(value, str):
                self.fail(f"{field}/{index}", f"{_kind(value)}, where a text belongs")
        return list(values)

    def text_by_name(self, field: str) -> dict[str, str]:
        """Return an object whose values are texts; {} if it is absent."""
        values = self._typed(field, dict, "an object") or {}
        for name, value in values.items():
            if not isinstance(value, str):
                self.fail(f"{field}/{name}", f"{_kind(value)}, where a text belongs")
        return dict(values)

    def inner(self, field: str, value: object) -> Fields:
        """Return `value` of `field` as an object of its own."""
        joint = "/" if ": " in self.where else ": "
        return Fields(value, f"{self.where}{joint}{field}")

    def _typed(self, field: str, kind: type, words: str) -> Any:
        value = self.values.get(field)
        if value is not None and not isinstance(value, kind):
            self.fail(field, f"{_kind(value)}, where {words} belongs")
        return value

    def _required(self, field: str, value: object) -> object:
        if value is None:
            self.fail(field, "is missing")
        return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f'"{next(name for name in names if names.count(name) > 1)}" occurs twice')
    return values


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
