# SPDX-License-Identifier: Apache-2.0
"""validate: everything that is wrong with a config, with pointers and hints."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from estiba import spec
from estiba.cli.files import read_json
from estiba.cli.parse import Refusal

if TYPE_CHECKING:
    from estiba.cli.parse import Parsed
    from estiba.errors import Problem


def validate(parsed: Parsed) -> int:
    """Print every problem; return 1 if there is one."""
    bundle = parsed.options.text("bundle")
    if bundle is not None and parsed.words:
        raise Refusal("validate", "surplus", what=parsed.words[0])
    path = parsed.words[0] if parsed.words else os.path.join(bundle or "", "config.json")
    if path != "-" and os.path.isdir(path):
        path = os.path.join(path, "config.json")
    problems = spec.validate(read_json(path, "config"))
    if parsed.options.text("format") == "json":
        sys.stdout.write(json.dumps([facts(problem) for problem in problems], indent=2) + "\n")
    else:
        sys.stdout.write("".join(map(told, problems)))
    return 1 if problems else 0


def facts(problem: Problem) -> dict[str, str | None]:
    """Lay a problem out as programs read it."""
    return {"pointer": problem.pointer, "message": problem.message, "hint": problem.hint}


def told(problem: Problem) -> str:
    """Write a problem as people read it."""
    return f"{problem}\nhint: {problem.hint}\n" if problem.hint else f"{problem}\n"
