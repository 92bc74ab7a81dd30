# SPDX-License-Identifier: Apache-2.0
"""Problems in the order in which a reader of the document meets them."""

from __future__ import annotations

from collections.abc import Iterable

from estiba.problems import Problem
from estiba.spec.node import keys_of


def in_document_order(problems: Iterable[Problem], document: object) -> list[Problem]:
    """Sort by the place that each pointer has in `document`; an object comes before what is in it."""
    places: dict[int, dict[str, int]] = {}
    return sorted(problems, key=lambda problem: _place(problem.pointer, document, places))


def _place(pointer: str, document: object, places: dict[int, dict[str, int]]) -> list[int]:
    """Say where each step of the pointer leads; `places` keeps the order of the keys of each object met, by its id."""
    place = []
    for key in keys_of(pointer):
        if isinstance(document, dict):
            keys = places.get(id(document))
            if keys is None:
                keys = places[id(document)] = {each: i for i, each in enumerate(document)}
            place.append(keys.get(key, len(keys)))  # an absent key comes after those that are there
            document = document.get(key)
        elif isinstance(document, list):
            place.append(int(key))
            document = document[int(key)] if int(key) < len(document) else None
    return place
