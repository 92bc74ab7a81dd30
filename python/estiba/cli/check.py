# SPDX-License-Identifier: Apache-2.0
"""check: whether a bundle would start on this host, without starting it."""

from __future__ import annotations

import json
import os

from estiba import _core, spec
from estiba.bundle import Bundle
from estiba.check import host_problems
from estiba.cli.validate import Finding, facts, placed, told
from estiba.command_line.run import say
from estiba.errors import EstibaError
from estiba.problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed


def check(parsed: Parsed) -> int:
    """Print what is wrong with the config, and what this host would refuse; return 1 if there is something."""
    folder = parsed.words[0] if parsed.words else "."
    bundle = Bundle(folder, config_file=parsed.options.text("config"))
    found = findings(bundle)
    if parsed.options.text("format") == "json":
        say(json.dumps([facts(finding) for finding in found], indent=2) + "\n")
    else:
        name = os.path.relpath(bundle.config_file or bundle.path / "config.json")
        say("".join(told(name, finding) for finding in found))
    return 1 if any(finding.level == "error" for finding in found) else 0


def findings(bundle: Bundle) -> list[Finding]:
    """Judge the config, then the host; the engine's plan has the last word if both find nothing."""
    problems = bundle.problems()
    wrong = {problem.pointer for problem in problems}
    problems += [problem for problem in host_problems(bundle) if problem.pointer not in wrong]
    if not problems:
        problems = planned(bundle)
    return placed(bundle.text, problems, spec.warnings(bundle.config))


def planned(bundle: Bundle) -> list[Problem]:
    """Let the engine plan the start, which does nothing yet; list what it refuses."""
    try:
        _core.plan(bundle=str(bundle.path), config=bundle.text)
    except EstibaError as error:
        pointer = error.pointer or ""
        message = error.message.removeprefix(f"config.json {pointer}: ") if pointer else error.message
        return [Problem(pointer, message, error.hint)]
    return []
