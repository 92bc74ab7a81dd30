# SPDX-License-Identifier: Apache-2.0
"""What is known not to pass: expected.toml, and which of its entries a cell of the table belongs to."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).resolve().parent / "expected.toml"
KEYS = frozenset({"programs", "runtimes", "views", "reason"})


class Known(NamedTuple):
    """Programs that do not pass with these runtimes in these views, and why; names may be patterns."""

    programs: tuple[str, ...]
    runtimes: tuple[str, ...]
    views: tuple[str, ...]
    reason: str
    is_race: bool

    def covers(self, program: str, runtime: str, view: str) -> bool:
        """Say whether this entry is about that cell."""
        asked = ((program, self.programs), (runtime, self.runtimes), (view, self.views))
        return all(any(fnmatch.fnmatchcase(one, p) for p in patterns) for one, patterns in asked)


def load(programs: Collection[str]) -> list[Known]:
    """Read expected.toml; an entry with an unknown key, or for no program, is a mistake in it."""
    read = tomllib.loads(FILE.read_text())
    loaded = [_known(entry, is_race) for kind, is_race in KINDS.items() for entry in read.pop(kind, [])]
    if read:
        raise SystemExit(f'{FILE.name}: "{next(iter(read))}" is none of {", ".join(KINDS)}')
    for pattern in (p for known in loaded for p in known.programs):
        if not fnmatch.filter(programs, pattern):
            raise SystemExit(f'{FILE.name}: no program is called "{pattern}"')
    return loaded


KINDS = {"failure": False, "race": True}


def _known(entry: dict[str, Any], is_race: bool) -> Known:
    if entry.keys() - KEYS or not entry.get("reason") or not entry.get("programs"):
        raise SystemExit(f"{FILE.name}: {entry}: the keys are {', '.join(sorted(KEYS))}")
    every = ["*"]
    programs, runtimes, views = (tuple(entry.get(k, every)) for k in ("programs", "runtimes", "views"))
    return Known(programs, runtimes, views, entry["reason"], is_race)


def entry(known: Collection[Known], program: str, runtime: str, view: str) -> Known | None:
    """Return the entry for this cell, or None where it has to pass."""
    found = [k for k in known if k.covers(program, runtime, view)]
    if len(found) > 1:
        raise SystemExit(f"{FILE.name}: {program} with {runtime} in the {view} view has {len(found)} entries")
    return found[0] if found else None
