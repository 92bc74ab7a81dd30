# SPDX-License-Identifier: Apache-2.0
"""From argv to a verb's function, and from its error to the exit code."""

from __future__ import annotations

import os

from estiba.cli import report
from estiba.cli.parse import LANGUAGE, Parsed, Refusal
from estiba.command_line.run import answer as call_verb
from estiba.command_line.run import run, say
from estiba.errors import ArgumentInvalid, EstibaError
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
    return run(args, answer, failed, unforeseen)


def answer(args: list[str], parsed: Parsed) -> int:
    """Read argv into `parsed` and call the verb. Ids, paths and config.json meet in JSON, so all words are UTF-8."""
    for number, word in enumerate(args, 1):
        if not word.isascii() and any("\udc80" <= letter <= "\udcff" for letter in word):
            shown = repr(os.fsencode(word))[2:-1]
            raise ArgumentInvalid(f'argument {number} is not UTF-8: "{shown}"')
    return call_verb(LANGUAGE, VERBS, "estiba.cli", version, args, parsed)


def failed(error: Refusal | EstibaError, parsed: Parsed) -> int:
    """Tell of a failure; return the exit code."""
    code = error.exit if isinstance(error, Refusal) else FAILURE_EXIT.get(parsed.verb, 1)
    return report.failure(error.message, error.hint, parsed.globals, code)


def unforeseen(error: Exception, parsed: Parsed) -> int:
    """Tell of what nobody foresaw."""
    from estiba.cli.unforeseen import internal

    return failed(internal(error, parsed.globals), parsed)


def version(_parsed: Parsed) -> int:
    """Print the versions."""
    from estiba.tables.version import TEXT

    say(TEXT)
    return 0
