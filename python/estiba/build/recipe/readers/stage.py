# SPDX-License-Identifier: Apache-2.0
"""FROM."""

from __future__ import annotations

import re

from estiba.build.recipe import flags
from estiba.build.recipe.instructions import From, Word
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.build.recipe.words import at_blanks
from estiba.spec.words import quote

NAME = re.compile(r"[a-z][a-z0-9_.-]*")


def from_(argument: Argument) -> From:
    """Read FROM."""
    options, argument = argument.without_options({"platform": flags.TEXT})
    argument.need("an image, the name of a stage, or scratch")
    image, *more = at_blanks(argument.line)
    platform = options.text("platform")
    argument.checked(image, platform)
    if not more:
        return From(argument.place, image, platform, None)
    if more[0].text.lower() != "as":
        hint = "a stage is named by FROM IMAGE AS NAME"
        raise Fault(more[0].place, f"{quote(more[0].text)} stands where AS would", hint)
    if len(more) == 1:
        raise Fault(more[0].place, "a name is missing after AS")
    if len(more) > 2:
        raise Fault(more[2].place, f"{quote(more[2].text)} stands after the stage's name")
    return From(argument.place, image, platform, _name(more[1]))


def _name(word: Word) -> Word:
    name = word.text.lower()
    if not NAME.fullmatch(name):
        hint = "a letter, then letters, digits, _ . and -"
        raise Fault(word.place, f"{quote(word.text)} cannot be the name of a stage", hint)
    if name == "scratch":
        raise Fault(word.place, 'FROM "scratch" is the empty image: no stage can have this name')
    return Word(name, word.place)
