# SPDX-License-Identifier: Apache-2.0
"""Images of one case held against each other: by path of the tree and by field of the config."""

from __future__ import annotations

import fnmatch
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from compare.image import Image

EXPECTED = Path(__file__).with_name("expected.toml")

FIELDS = (
    *(
        "Cmd",
        "Entrypoint",
        "Env",
        "ExposedPorts",
        "Healthcheck",
        "Labels",
        "OnBuild",
        "Shell",
        "StopSignal",
        "User",
    ),
    *("Volumes", "WorkingDir"),
)
OWN_LABELS = ("io.buildah.version",)
"""What builders say of themselves."""


class Decision(NamedTuple):
    """Whom we follow where builders disagree."""

    case: str
    path: str
    follows: str
    """A builder's name; "none" where we do what none of them does."""
    reason: str

    def is_of(self, case: str, path: str) -> bool:
        """Tell whether this decides a path of a case; both are patterns."""
        return fnmatch.fnmatchcase(case, self.case) and fnmatch.fnmatchcase(path, self.path)


def decisions() -> list[Decision]:
    """Read expected.toml."""
    return [Decision(**each) for each in tomllib.loads(EXPECTED.read_text())["difference"]]


def facts(image: Image) -> dict[str, str]:
    """All that is compared of an image: `/path` of the tree, `config.Field`."""
    found = {f"/{path}": str(entry) for path, entry in image.tree.items()}
    config = image.config.get("config") or {}
    for field in FIELDS:
        if value := _plain(config.get(field)):
            found[f"config.{field}"] = str(value)
    if author := image.config.get("author"):
        found["config.author"] = str(author)
    return found


def differing(images: Mapping[str, Image]) -> dict[str, dict[str, str]]:
    """List what is not the same in all images: what each builder has, "absent" where it has nothing."""
    every = {name: facts(image) for name, image in images.items()}
    keys = sorted(set().union(*every.values()))
    rows = {key: {name: found.get(key, "absent") for name, found in every.items()} for key in keys}
    return {key: row for key, row in rows.items() if len(set(row.values())) > 1}


def verdicts(case: str, images: Mapping[str, Image], ours: str = "estiba") -> list[str]:
    """Say what is not as it has to be: where the others agree, the same; where they do not, as decided."""
    decided = decisions()
    wrong = []
    for key, row in differing(images).items():
        others = {name: value for name, value in row.items() if name != ours}
        decision = next((each for each in decided if each.is_of(case, key)), None)
        shown = ", ".join(f"{name}: {value}" for name, value in row.items())
        if decision is None:
            agree = len(set(others.values())) <= 1
            wrong.append(f"{key}: {'ours differs' if agree else 'undecided'}: {shown}")
        elif ours in row and decision.follows in others and row[ours] != others[decision.follows]:
            wrong.append(f"{key}: not as {decision.follows} has it: {shown}")
    return wrong


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value) if key not in OWN_LABELS}
    return value
