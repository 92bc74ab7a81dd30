# SPDX-License-Identifier: Apache-2.0
"""The bounds of counts.toml: what a count may be at most, and how far below it may lie before the bound is stale."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).with_name("counts.toml")


def hold(section: str, found: Mapping[str, int], *, room: float, above: float = 0.0) -> None:
    """Fail where a count is above its bound, or below it by more than `room`, a share of the bound.

    `above` is a share that a count may rise without being an offence: for counts that another compiler makes.
    """
    bounds = _section(section)
    assert found.keys() <= bounds.keys(), (
        f"{section}: counts.toml has no bound for {found.keys() - bounds.keys()}"
    )
    offences = []
    for name, count in found.items():
        bound = bounds[name]
        print(f"{section}: {name}: {count} of {bound}")
        if count > bound * (1 + above):
            offences.append(
                f"{name} is {count}, bound {bound}: lower it, or raise the bound and say why beside it"
            )
        elif count < bound * (1 - room):
            offences.append(
                f"{name} is {count}, bound {bound}: lower the bound, so that it holds what was won"
            )
    assert not offences, f"{section}: " + "; ".join(offences)


def compiler() -> str:
    """Name the version of rustc that the instructions were counted with."""
    version: str = tomllib.loads(FILE.read_text())["rustc"]
    return version


def _section(name: str) -> dict[str, int]:
    section: dict[str, int] = tomllib.loads(FILE.read_text())[name]
    return section
