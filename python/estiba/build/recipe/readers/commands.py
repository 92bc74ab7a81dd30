# SPDX-License-Identifier: Apache-2.0
"""CMD, ENTRYPOINT, SHELL, HEALTHCHECK: what is run later."""

from __future__ import annotations

from estiba.build.recipe import durations, flags, json_form
from estiba.build.recipe.instructions import Cmd, Entrypoint, HealthCheck, Shell
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.build.recipe.words import SPACES, at_blanks
from estiba.spec.words import advice, quote

TIMES = ("interval", "timeout", "start-period", "start-interval")
HEALTH_OPTIONS = {**dict.fromkeys(TIMES, flags.TEXT), "retries": flags.TEXT}


def cmd(argument: Argument) -> Cmd:
    """Read CMD."""
    _, argument = argument.without_options()
    return Cmd(argument.place, argument.command())


def entrypoint(argument: Argument) -> Entrypoint:
    """Read ENTRYPOINT."""
    _, argument = argument.without_options()
    return Entrypoint(argument.place, argument.command())


def shell(argument: Argument) -> Shell:
    """Read SHELL, which has the exec form only."""
    _, argument = argument.without_options()
    example = 'SHELL ["/bin/sh", "-c"]'
    found = json_form.words(argument.line, [])
    if found is None:
        raise Fault(argument.place, "SHELL needs a JSON array of strings", f"as in {example}")
    if not found:
        raise Fault(argument.place, "SHELL needs a program, and the array is empty", f"as in {example}")
    return Shell(argument.place, tuple(word.text for word in found))


def health_check(argument: Argument) -> HealthCheck:
    """Read HEALTHCHECK."""
    options, argument = argument.without_options(HEALTH_OPTIONS)
    written = at_blanks(argument.line)
    if not written:
        raise Fault(argument.place, "HEALTHCHECK needs CMD and a command, or NONE")
    kind = written[0].text.upper()
    if kind == "NONE":
        if len(written) > 1:
            raise Fault(written[1].place, "HEALTHCHECK NONE takes no arguments")
        return HealthCheck(argument.place, None, None, None, None, None, None)
    if kind != "CMD":
        hint = advice(written[0].text, ("CMD", "NONE"))
        raise Fault(written[0].place, f"{quote(written[0].text)} is not CMD or NONE", hint)
    text = argument.line.text
    begin = len(text) - len(text.lstrip(SPACES)) + len(kind)
    argument = argument._replace(line=argument.line.part(begin))
    argument.need("a command after CMD")
    command = argument.command()
    if not command.words:
        raise Fault(command.place, "HEALTHCHECK CMD needs a command, and the array is empty")
    return HealthCheck(argument.place, command, *_times(options), _retries(options))


def _times(options: flags.Options) -> tuple[int | None, int | None, int | None, int | None]:
    def read(name: str) -> int | None:
        word = options.text(name)
        return None if word is None else durations.read(word, f"--{name}")

    return read(TIMES[0]), read(TIMES[1]), read(TIMES[2]), read(TIMES[3])


def _retries(options: flags.Options) -> int | None:
    word = options.text("retries")
    if word is None:
        return None
    if not (word.text.isascii() and word.text.isdecimal() and int(word.text[:12]) < 1 << 31):
        raise Fault(word.place, f"--retries is a whole number, not {quote(word.text)}")
    return int(word.text)
