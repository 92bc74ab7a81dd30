# SPDX-License-Identifier: Apache-2.0
"""A value of the config together with its JSON pointer: how the rules read.

A value of the wrong type reads as absent: the shape has reported it already, and rules have nothing to add.
"""

from __future__ import annotations

from typing import NamedTuple

from estiba.problems import Problem


class Node(NamedTuple):
    """A place in the config and what stands there; None where nothing does."""

    value: object
    pointer: str = ""

    def at(self, *keys: str) -> Node:
        """Go down by keys of objects."""
        node = self
        for key in keys:
            value = node.value.get(key) if isinstance(node.value, dict) else None
            node = Node(value, child(node.pointer, key))
        return node

    def items(self) -> list[Node]:
        """List the items of an array; none where there is no array."""
        if not isinstance(self.value, list):
            return []
        return [Node(value, f"{self.pointer}/{index}") for index, value in enumerate(self.value)]

    def entries(self) -> list[tuple[str, Node]]:
        """List the keys of an object with what they hold; none where there is no object."""
        if not isinstance(self.value, dict):
            return []
        return [(key, Node(value, child(self.pointer, key))) for key, value in self.value.items()]

    def text(self) -> str:
        """Read a string; "" where there is none, as unset and empty mean the same to all readers."""
        return self.value if isinstance(self.value, str) else ""

    def texts(self) -> list[str]:
        """Read the strings of an array."""
        return [item.value for item in self.items() if isinstance(item.value, str)]

    def number(self) -> int | None:
        """Read a whole number; None where there is none."""
        return self.value if isinstance(self.value, int) and not isinstance(self.value, bool) else None

    def problem(self, message: str, hint: str | None = None) -> Problem:
        """Say what is wrong here."""
        return Problem(self.pointer, message, hint)


def child(pointer: str, key: object) -> str:
    """Append one key or index to a JSON pointer (RFC 6901)."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def keys_of(pointer: str) -> list[str]:
    """Split a JSON pointer into its keys and indices."""
    return [key.replace("~1", "/").replace("~0", "~") for key in pointer.split("/")[1:]]
