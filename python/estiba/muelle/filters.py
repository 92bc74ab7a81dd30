# SPDX-License-Identifier: Apache-2.0
"""--filter KEY=VALUE: of the values of one key one has to fit, of labels all; of the keys all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from estiba.errors import ArgumentInvalid
from estiba.spec.words import advice, quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LABEL = "label"


class Filter(NamedTuple):
    """What one key asks of a row."""

    fits: Callable[[Any, str], bool]
    values: tuple[str, ...] = ()
    """The only ones that there are; none: any is taken."""


def wanted_by(texts: Sequence[str], known: Mapping[str, Filter]) -> Callable[[Any], bool]:
    """Return what tells whether a row is asked for. Raises ArgumentInvalid."""
    asked: dict[str, list[str]] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if key not in known:
            raise ArgumentInvalid(f"--filter: {quote(key)} is no filter here", hint=advice(key, known))
        if not equals or not value:
            raise ArgumentInvalid(f"--filter: {quote(text)} has no value")
        values = known[key].values
        if values and value not in values:
            raise ArgumentInvalid(f"--filter: {key} is not {quote(value)}", hint=advice(value, values))
        asked.setdefault(key, []).append(value)

    def is_wanted(row: Any) -> bool:
        return all(
            (all if key == LABEL else any)(known[key].fits(row, value) for value in values)
            for key, values in asked.items()
        )

    return is_wanted


def has_label(labels: Mapping[str, str], value: str) -> bool:
    """Return whether there is a label, with the value where `value` says one: NAME[=VALUE]."""
    name, equals, content = value.partition("=")
    return name in labels and (not equals or labels[name] == content)
