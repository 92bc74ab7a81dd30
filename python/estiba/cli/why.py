# SPDX-License-Identifier: Apache-2.0
"""why: what the last failed start of a container died of, in a few lines."""

from __future__ import annotations

import json

from estiba import _core
from estiba.cli.settings import root
from estiba.command_line.run import say
from estiba.errors import ContainerNotFound, EstibaError, WrongState
from estiba.lifecycle.failures import Failure, failed_starts
from estiba.spec.positions import positions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed

PHASES = {
    "plan": "before anything was made",
    "cgroup": "while its cgroup and its first process were made; all of it was taken back",
    "init": "while init set the container up; all of it was taken back",
    "hook": "in a hook",
    "start": "at the start of its program, after create had succeeded",
}
"""What a note's phase means."""


def why(parsed: Parsed) -> int:
    """Tell of the newest failure, or with --all of each in a line."""
    where, id = root(parsed), parsed.words[0] if parsed.words else None
    found = failed_starts(root=where, id=id)
    every = parsed.options.flag("all")
    if parsed.options.text("format") == "json":
        shown = [failure._asdict() for failure in (found if every else found[:1])]
        say(json.dumps(shown, indent=2) + "\n")
        return 0
    if not found:
        raise nothing(where, id)
    say("".join(map(line, found)) if every else story(found[0]))
    return 0


def line(failure: Failure) -> str:
    """Tell of one failure among others."""
    return f"{failure.time[:19]}Z {failure.verb} {failure.id}: {failure}\n"


def story(failure: Failure) -> str:
    """Tell of one failure: what, when, how far it had come, what to do."""
    step = "; step {} of {}".format(*failure.step) if failure.step else ""
    lines = [
        f'{failure.verb} of "{failure.id}" failed at {failure.time[:19]}Z',
        str(failure),
        f"how far it came: {PHASES.get(failure.phase, failure.phase)}{step}",
    ]
    if failure.bundle:
        lines.append(f"bundle: {failure.bundle}")
        lines.append(f"config: {place(failure, failure.config or f'{failure.bundle}/config.json')}")
    if failure.hint:
        lines.append(f"hint: {failure.hint}")
    return "".join(f"{text}\n" for text in lines)


def place(failure: Failure, file: str) -> str:
    """Return the config's path, with line and column where the file still has what is to blame."""
    if not failure.pointer:
        return file
    try:
        with open(file, encoding="utf-8") as text:
            line, column = positions(text.read(), [failure.pointer])[failure.pointer]
    except (OSError, ValueError, IndexError):
        return file
    return f"{file}:{line}:{column}"


def nothing(where: str, id: str | None) -> EstibaError:
    """Make the error of a question that no note answers; a container that is there may say more."""
    if id is None:
        return ContainerNotFound(f'no failed start is on record under "{where}"')
    status = ""
    try:
        status = json.loads(_core.state(root=where, id=id))["status"]
    except WrongState as error:
        return error
    except EstibaError:
        pass
    if status == "creating":
        hint = f"`estiba delete --force {id}` or `estiba gc` cleans it"
        message = f'container "{id}" is half made: its create is at work, or was killed'
        return WrongState(message, hint=hint, id=id, status=status)
    there = f", and the container is {status}" if status else ""
    return ContainerNotFound(
        f'no failed start of "{id}" is on record under "{where}"{there}',
        hint="`estiba why --all` lists the last hundred; --root names another state root",
        id=id,
    )
