# SPDX-License-Identifier: Apache-2.0
"""validate: everything that is wrong with a config, with its place in the file and hints."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from estiba import spec
from estiba.cli.files import STANDARD_INPUT, read
from estiba.cli.parse import refusal
from estiba.command_line.run import say
from estiba.problems import Problem
from estiba.spec.positions import Position, positions

if TYPE_CHECKING:
    from estiba.cli.parse import Parsed


class Finding(NamedTuple):
    """A problem, how bad it is and where it stands."""

    level: str
    """error, or warning for what is valid and likely not meant."""
    problem: Problem
    position: Position


def validate(parsed: Parsed) -> int:
    """Print every problem and every doubt; return 1 if there is a problem."""
    path = config_path(parsed)
    name = "standard input" if path == STANDARD_INPUT else path
    found = findings(read(path, "config"), name)
    form = parsed.options.text("format")
    if form == "json":
        say(json.dumps([facts(finding) for finding in found], indent=2) + "\n")
    elif form == "sarif":
        from estiba.cli import sarif

        say(json.dumps(sarif.log(name, found), indent=2) + "\n")
    else:
        say("".join(told(name, finding) for finding in found))
    return 1 if any(finding.level == "error" for finding in found) else 0


def config_path(parsed: Parsed) -> str:
    """Return the file that is meant: FILE, which may be a bundle, or the config of --bundle."""
    bundle = parsed.options.text("bundle")
    if bundle is not None and parsed.words:
        raise refusal("validate", "surplus", what=parsed.words[0])
    path = parsed.words[0] if parsed.words else os.path.join(bundle or "", "config.json")
    return os.path.join(path, "config.json") if path != STANDARD_INPUT and os.path.isdir(path) else path


def findings(text: bytes, name: str) -> list[Finding]:
    """Judge a config; what stands first in the file comes first. Raises ConfigInvalid if it is no JSON."""
    config = spec.parse(text, name)
    return placed(text, spec.validate(config), spec.warnings(config))


def placed(text: bytes, problems: list[Problem], doubts: list[Problem]) -> list[Finding]:
    """Find each in the text, and put them in its order; of what is wrong nobody doubts that it was meant so."""
    wrong = {problem.pointer for problem in problems}
    judged = [("error", problem) for problem in problems]
    judged += [("warning", doubt) for doubt in doubts if doubt.pointer not in wrong]
    if not judged:
        return []
    places = positions(text.decode(), [problem.pointer for _, problem in judged])
    found = [Finding(level, problem, places[problem.pointer]) for level, problem in judged]
    return sorted(found, key=lambda finding: finding.position)


def facts(finding: Finding) -> dict[str, str | int | None]:
    """Lay a finding out as programs read it."""
    level, problem, position = finding
    return {
        "level": level,
        "line": position.line,
        "column": position.column,
        "pointer": problem.pointer,
        "message": problem.message,
        "hint": problem.hint,
    }


def told(name: str, finding: Finding) -> str:
    """Write a finding as people and editors read it: file:line:column, pointer, what is wrong."""
    level, problem, (line, column) = finding
    doubt = "warning: " if level == "warning" else ""
    pointer = f"{problem.pointer}: " if problem.pointer else ""
    text = f"{name}:{line}:{column}: {doubt}{pointer}{problem.message}\n"
    return f"{text}hint: {problem.hint}\n" if problem.hint else text
