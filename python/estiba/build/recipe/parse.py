# SPDX-License-Identifier: Apache-2.0
"""The whole file: lines to instructions, instructions to stages, and the rules that hold between them."""

from __future__ import annotations

from collections.abc import Callable

from estiba.build.recipe import here_documents
from estiba.build.recipe.instructions import Arg, From, Instruction, Place, Recipe, Stage, Warned
from estiba.build.recipe.problems import Fault, invalid
from estiba.build.recipe.readers import commands, copy, pairs, run, single, stage
from estiba.build.recipe.readers.argument import Argument
from estiba.build.recipe.readers.on_build import on_build
from estiba.build.recipe.text import BLANKS, Line, Source
from estiba.build.recipe.words import at_blanks
from estiba.spec.words import advice, nearest, quote

READERS: dict[str, Callable[[Argument], Instruction]] = {
    "ADD": copy.add,
    "ARG": pairs.arg,
    "CMD": commands.cmd,
    "COPY": copy.copy,
    "ENTRYPOINT": commands.entrypoint,
    "ENV": pairs.env,
    "EXPOSE": single.expose,
    "FROM": stage.from_,
    "HEALTHCHECK": commands.health_check,
    "LABEL": pairs.label,
    "MAINTAINER": single.maintainer,
    "ONBUILD": lambda argument: on_build(argument, _instruction),
    "RUN": run.run,
    "SHELL": commands.shell,
    "STOPSIGNAL": single.stop_signal,
    "USER": single.user,
    "VOLUME": single.volume,
    "WORKDIR": single.workdir,
}

WITH_HERE_DOCUMENTS = ("ADD", "COPY", "RUN")

ALIASES = {
    "include": "FROM",
    "execute": "RUN",
    "maintainers": "MAINTAINER",
    "port": "EXPOSE",
    "cd": "WORKDIR",
}


def parse(text: str | bytes, file: str = "Containerfile") -> Recipe:
    """Read a Containerfile; `file` is its name for messages. Raise BuildFileInvalid with every problem."""
    try:
        source = Source(text)
    except Fault as fault:
        raise invalid(file, [fault]) from None
    faults: list[Fault] = []
    found: list[Instruction] = []
    begun = False
    while (line := source.line()) is not None:
        try:
            instruction = _read(line, source)
            begun = begun or isinstance(instruction, From)
            if not begun and not isinstance(instruction, Arg):
                raise Fault(
                    instruction.place, f"{_keyword(line)} stands before the first FROM", "only ARG may"
                )
            found.append(instruction)
        except Fault as fault:
            faults.append(fault)
            begun = begun or _keyword(line) == "FROM"
    if not begun and not faults:
        faults.append(Fault(Place(1, 1), "there is no FROM", "begin with FROM IMAGE, or FROM scratch"))
    arguments, stages = _staged(found)
    if faults:
        raise invalid(file, faults)
    warnings = sorted((*source.warnings, *_doubts(stages)))
    return Recipe(file, source.escape, source.syntax, arguments, stages, tuple(warnings))


def parse_trigger(text: str, escape: str = "\\") -> Instruction:
    """Read one instruction as the config of a base image keeps it for ONBUILD. Raise BuildFileInvalid."""
    try:
        source = Source(text)
        source.escape = escape
        line = source.line()
        if line is None:
            raise Fault(Place(1, 1), "there is no instruction")
        return _read(line, source)
    except Fault as fault:
        raise invalid("ONBUILD", [fault]) from None


def _read(line: Line, source: Source) -> Instruction:
    """Read a logical line, and the here-documents below it."""
    keyword = _keyword(line)
    argument = Argument(keyword, line.place(0), line.part(len(keyword)), (), source.escape, source.warnings)
    inner = keyword
    if keyword == "ONBUILD":
        inner = next((word.text.upper() for word in at_blanks(argument.line)), "")
    if inner in WITH_HERE_DOCUMENTS and "<<" in argument.line.text and not _is_array(argument.line, keyword):
        argument = argument._replace(here_documents=here_documents.read(argument.line, source))
    return _instruction(argument)


def _instruction(argument: Argument) -> Instruction:
    read = READERS.get(argument.keyword)
    if read is None:
        near = nearest(argument.keyword, READERS, ALIASES)
        hint = f"did you mean {quote(near)}?" if near else advice(argument.keyword, READERS)
        raise Fault(argument.place, f"{quote(argument.keyword)} is not an instruction", hint)
    return read(argument)


def _keyword(line: Line) -> str:
    for position, character in enumerate(line.text):
        if character in BLANKS:
            return line.text[:position].upper()
    return line.text.upper()


def _is_array(line: Line, keyword: str) -> bool:
    return keyword != "ONBUILD" and line.text.strip(BLANKS).startswith('["')


def _staged(found: list[Instruction]) -> tuple[tuple[Arg, ...], tuple[Stage, ...]]:
    """Divide the instructions at each FROM."""
    arguments: list[Arg] = []
    stages: list[tuple[From, list[Instruction]]] = []
    for instruction in found:
        if isinstance(instruction, From):
            stages.append((instruction, []))
        elif stages:
            stages[-1][1].append(instruction)
        elif isinstance(instruction, Arg):
            arguments.append(instruction)
    return tuple(arguments), tuple(Stage(base, tuple(below)) for base, below in stages)


def _name_doubts(stages: tuple[Stage, ...]) -> list[Warned]:
    """Point out a stage's name that another has already."""
    seen: dict[str, Place] = {}
    found = []
    for each in stages:
        if (word := each.base.name) is None:
            continue
        if (earlier := seen.get(word.text)) is not None:
            message = f"the stage of line {earlier.line} is called {quote(word.text)}, too: the later one is meant below"
            found.append(Warned(word.place, message, None))
        seen[word.text] = word.place
    return found


def _doubts(stages: tuple[Stage, ...]) -> list[Warned]:
    """Point out what is allowed and has no effect."""
    found = _name_doubts(stages)
    for each in stages:
        last: dict[str, Instruction] = {}
        for instruction in each.instructions:
            kind = type(instruction).__name__
            if kind in ("Cmd", "Entrypoint", "HealthCheck") and kind in last:
                message = f"a later {kind.upper()} of the same stage replaces this one"
                found.append(Warned(last[kind].place, message, None))
            last[kind] = instruction
            if kind == "Maintainer":
                hint = f"write LABEL maintainer={quote(getattr(instruction, 'name', ''))}"
                found.append(Warned(instruction.place, "MAINTAINER has been replaced by a label", hint))
    return found
