# SPDX-License-Identifier: Apache-2.0
"""How values and advice are put into words, alike in every message."""

from __future__ import annotations

import json
from collections.abc import Iterable

LONGEST = 60
"""A quoted value is cut here: a message is one line, and a config may hold anything."""


def quote(value: object) -> str:
    """Show a value as JSON, shortened to fit in a line."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array" if value else "an empty array"
    shown = json.dumps(value, ensure_ascii=False)
    if not shown.isprintable():
        shown = json.dumps(value)
    if len(shown) <= LONGEST:
        return shown
    return f'{shown[:LONGEST]}..."' if isinstance(value, str) else f"{shown[:LONGEST]}..."


def name(value: object) -> str:
    """Show a value with its type, where the type is what matters."""
    if isinstance(value, str):
        return f"the string {quote(value)}"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"the number {quote(value)}"
    return quote(value)


def listed(words: Iterable[str], last: str = "or") -> str:
    """Join quoted words as a sentence does."""
    quoted = [quote(word) for word in words]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} {last} {quoted[-1]}"


def nearest(
    word: str, words: Iterable[str], aliases: dict[str, str] | None = None, *, likeness: float = 0.6
) -> str | None:
    """Find what was most likely meant by `word`: an alias, a name less its prefix, or a misspelt one."""
    from difflib import get_close_matches

    known = {each.lower(): each for each in words}
    wanted = word.lower()
    if aliases and wanted in aliases:
        return aliases[wanted]
    if tail := [each for lower, each in known.items() if wanted and lower.endswith(f"_{wanted}")]:
        return min(tail, key=len)
    found = get_close_matches(wanted, known, n=1, cutoff=likeness)
    return known[found[0]] if found else None


def advice(word: str, words: Iterable[str], aliases: dict[str, str] | None = None) -> str | None:
    """Ask "did you mean", or list the words if they are few."""
    known = list(words)
    near = nearest(word, known, aliases)
    if near is not None:
        return f"did you mean {quote(near)}?"
    return f"it may be {listed(known)}" if len(known) <= 12 else None
