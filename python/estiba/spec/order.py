# SPDX-License-Identifier: Apache-2.0
"""Problems in the order in which a reader of the document meets them."""

from __future__ import annotations

from collections.abc import Iterable

from estiba.errors import Problem
from estiba.spec.node import keys_of


def in_document_order(problems: Iterable[Problem], document: object) -> list[Problem]:
    """Sort by the place that each pointer has in `document`; an object comes before what is in it."""
    return sorted(problems, key=lambda problem: _place(problem.pointer, document))


def _place(pointer: str, document: object) -> list[int]:
    place = []
    for key in keys_of(pointer):
        if isinstance(document, dict):
            # An absent key comes after those that are there.
            place.append(next((i for i, each in enumerate(document) if each == key), len(document)))
            document = document.get(key)
        elif isinstance(document, list):
            place.append(int(key))
            document = document[int(key)] if int(key) < len(document) else None
    return place
