# SPDX-License-Identifier: Apache-2.0
"""From argv to a verb's function, and from its error to the exit code."""

from __future__ import annotations

import os
import sys

from estiba.cli import report
from estiba.cli.parse import Parsed, Refusal, parse
from estiba.errors import EstibaError
from estiba.tables.arguments import FAILURE_EXIT

VERBS: dict[str, str] = {
    "create": "container:create",
    "start": "container:start",
    "state": "container:state",
    "kill": "container:kill",
    "delete": "container:delete",
    "pause": "container:pause",
    "resume": "container:resume",
    "run": "run:run",
    "exec": "execute:execute",
    "list": "listing:listing",
    "ps": "ps:ps",
    "update": "update:update",
    "events": "events:events",
    "check": "check:check",
    "explain": "explain:explain",
    "features": "features:features",
    "gc": "gc:gc",
    "spec": "spec:spec",
    "trace": "trace:trace",
    "validate": "validate:validate",
    "why": "why:why",
}
"""Verb to "module:function" of estiba.cli."""


def main(args: list[str]) -> int:
    """Do what argv says; return the exit code."""
    parsed = Parsed()
    try:
        code = answer(args, parsed)
        sys.stdout.flush()
        return code
    except Refusal as refusal:
        return report.failure(refusal.message, refusal.hint, parsed.globals, refusal.exit)
    except EstibaError as error:
        return failed(error, parsed)
    except BrokenPipeError:
        leave_stdout()
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:  # noqa: BLE001 - whatever it is, callers get one line and an exit code
        from estiba.cli.unforeseen import internal

        leave_stdout()
        return failed(internal(error, parsed.globals), parsed)


def failed(error: EstibaError, parsed: Parsed) -> int:
    """Tell of a failure; return the exit code."""
    return report.failure(error.message, error.hint, parsed.globals, FAILURE_EXIT.get(parsed.verb, 1))


def leave_stdout() -> None:
    """Send what is left for standard output nowhere: what cannot be written now, Python would try again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def answer(args: list[str], parsed: Parsed) -> int:
    """Read argv into `parsed` and call the verb."""
    parse(args, parsed)
    if parsed.globals.flag("version"):
        from estiba.tables.version import TEXT

        sys.stdout.write(TEXT)
        return 0
    if parsed.globals.flag("help") or parsed.options.flag("help"):
        from estiba.cli.help import text

        sys.stdout.write(text(parsed.verb))
        return 0
    return call(VERBS[parsed.verb], parsed)


def call(place: str, parsed: Parsed) -> int:
    """Import "module:function" of estiba.cli and call it."""
    from importlib import import_module

    module, _, function = place.partition(":")
    code: int = getattr(import_module(f"estiba.cli.{module}"), function)(parsed)
    return code
