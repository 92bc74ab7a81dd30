# SPDX-License-Identifier: Apache-2.0
"""An instruction with its variables replaced, each as its kind has it.

FROM, ARG, ENV, LABEL, COPY, ADD, WORKDIR, USER, EXPOSE, VOLUME, STOPSIGNAL and the mounts of RUN have variables of the
build; RUN's command, CMD, ENTRYPOINT, SHELL, HEALTHCHECK and ONBUILD keep theirs for whoever runs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar, cast

from estiba.build.recipe import expand, mounts
from estiba.build.recipe.expand import Variables
from estiba.build.recipe.instructions import (
    Add,
    Arg,
    Copy,
    Declared,
    Env,
    Expose,
    From,
    HereDocument,
    Instruction,
    Label,
    Pair,
    Recipe,
    Run,
    StopSignal,
    User,
    Volume,
    Word,
    Workdir,
)
from estiba.build.recipe.problems import Fault, invalid

AnyInstruction = TypeVar("AnyInstruction", bound=Instruction)

FIELDS: dict[type, tuple[str, ...]] = {
    From: ("image", "platform"),
    Arg: ("arguments",),
    Env: ("pairs",),
    Label: ("pairs",),
    Copy: ("sources", "target", "owner", "mode", "excludes"),
    Add: ("sources", "target", "owner", "mode", "checksum", "excludes"),
    Workdir: ("path",),
    User: ("user",),
    Expose: ("ports",),
    Volume: ("paths",),
    StopSignal: ("signal",),
}
"""What of an instruction has variables; RUN's mounts are read anew instead."""


def resolve(instruction: AnyInstruction, variables: Variables, recipe: Recipe) -> AnyInstruction:
    """Return the instruction with plain words: no quotes, escapes or variables are left in them.

    `variables` are those in force before it. Raise BuildFileInvalid where `${X?}` is not set, and the like.
    """
    replace = _Replace(variables, recipe.escape)
    changed: dict[str, Any]
    try:
        if isinstance(instruction, Run):
            read = (mounts.read(mount.word, recipe.escape, variables) for mount in instruction.mounts)
            changed = {"mounts": tuple(read)}
        elif isinstance(instruction, Expose):
            changed = {"ports": tuple(replace.split(instruction.ports))}
        else:
            fields = FIELDS.get(type(instruction), ())
            changed = {name: replace.any(getattr(instruction, name)) for name in fields}
        return cast("AnyInstruction", instruction._replace(**changed))
    except Fault as fault:
        raise invalid(recipe.file, [fault]) from None


def variables_of(instruction: Instruction, recipe: Recipe) -> frozenset[str]:
    """Return the names of the variables that `resolve` looks at."""
    found: set[str] = set()
    for word, escape, quotes in _words(instruction, recipe.escape):
        found.update(expand.names(expand.parts(word, escape, quotes=quotes)))
    return frozenset(found)


class _Replace:
    """Puts variables into words, wherever in a field they are."""

    def __init__(self, variables: Variables, escape: str) -> None:
        self.variables, self.escape = variables, escape

    def any(self, field: Any) -> Any:
        if isinstance(field, Word):
            return self.word(field)
        if isinstance(field, HereDocument):
            return self.document(field)
        if isinstance(field, Pair | Declared):
            return type(field)(*map(self.any, field))
        if isinstance(field, tuple):
            return tuple(map(self.any, field))
        return field

    def word(self, word: Word) -> Word:
        parts = expand.parts(word, self.escape)
        return Word(expand.value(parts, self.variables, word), word.place)

    def split(self, words: tuple[Word, ...]) -> Iterator[Word]:
        for word in words:
            parts = expand.parts(word, self.escape)
            for text in expand.values(parts, self.variables, word):
                yield Word(text, word.place)

    def document(self, document: HereDocument) -> HereDocument:
        if not document.expands:
            return document
        word = Word(document.content, document.place)
        parts = expand.parts(word, "\\", quotes=False)
        return document._replace(content=expand.value(parts, self.variables, word), expands=False)


def _words(field: Any, escape: str) -> Iterator[tuple[Word, str, bool]]:
    """List the words of an instruction that have variables, with the rules by which each is read."""
    if isinstance(field, Word):
        yield field, escape, True
    elif isinstance(field, HereDocument):
        if field.expands:
            yield Word(field.content, field.place), "\\", False
    elif isinstance(field, Run):
        yield from ((mount.word, escape, True) for mount in field.mounts)
    elif (names := FIELDS.get(type(field))) is not None:
        for name in names:
            yield from _words(getattr(field, name), escape)
    elif isinstance(field, tuple):
        for each in field:
            yield from _words(each, escape)
