# SPDX-License-Identifier: Apache-2.0
"""ENV, LABEL, ARG: names and values."""

from __future__ import annotations

import re

from estiba.build.recipe.instructions import Arg, Declared, Env, Label, Pair, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.build.recipe.words import SPACES, quoted, rest
from estiba.spec.words import quote


def env(argument: Argument) -> Env:
    """Read ENV."""
    return Env(argument.place, _pairs(argument))


def label(argument: Argument) -> Label:
    """Read LABEL."""
    return Label(argument.place, _pairs(argument))


def arg(argument: Argument) -> Arg:
    """Read ARG."""
    _, argument = argument.without_options()
    argument.need("a name, or NAME=DEFAULT")
    found = []
    for word in quoted(argument.line, argument.escape):
        name, default = _divided(word)
        if not name.text:
            raise Fault(word.place, f"{quote(word.text)} has no name before the =")
        argument.checked(name, default)
        found.append(Declared(name, default))
    return Arg(argument.place, tuple(found))


def _pairs(argument: Argument) -> tuple[Pair, ...]:
    _, argument = argument.without_options()
    argument.need("a name and a value: NAME=VALUE")
    written = quoted(argument.line, argument.escape)
    if "=" not in written[0].text:
        return (_older(argument),)
    found: list[Pair] = []
    for word in written:
        name, value = _divided(word)
        if value is None:
            first = found[-1].name.text if found else "NAME"
            hint = f'a value with blanks needs quotes: {first}="one two"'
            raise Fault(word.place, f"{quote(word.text)} has no =, as NAME=VALUE has", hint)
        if not name.text:
            raise Fault(word.place, f"{quote(word.text)} has no name before the =")
        argument.checked(name, value)
        found.append(Pair(name, value))
    return tuple(found)


def _older(argument: Argument) -> Pair:
    """Read `NAME all the rest`, in which the value is the rest of the line."""
    whole = rest(argument.line)
    name, *value = re.split(f"[{SPACES}]+", whole.text, maxsplit=1)
    begin = argument.line.text.index(name)
    if not value:
        hint = f"write {name}=VALUE"
        raise Fault(whole.place, f"{argument.keyword} {quote(name)} has no value", hint)
    after = len(argument.line.text[:begin]) + len(whole.text) - len(value[0])
    pair = Pair(Word(name, whole.place), Word(value[0], argument.line.place(after)))
    argument.checked(*pair)
    return pair


def _divided(word: Word) -> tuple[Word, Word | None]:
    """Divide a word at its first `=`."""
    name, equals, value = word.text.partition("=")
    if not equals:
        return word, None
    line, column = word.place
    return Word(name, word.place), Word(value, word.place._replace(line=line, column=column + len(name) + 1))
