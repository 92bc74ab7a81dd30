# SPDX-License-Identifier: Apache-2.0
"""The language of Containerfiles: text to typed instructions, and variables to values. Pure: no files, no images.

parse          text to a Recipe, or BuildFileInvalid with every problem
parse_trigger  one instruction, as a base image keeps it for ONBUILD
resolve        an instruction with its variables replaced, as its kind replaces them
render         an instruction as one canonical text, for history, cache keys and progress
variables_of   which variables `resolve` looks at
Scope          which variables a stage's instructions see
"""

from __future__ import annotations

from estiba.build.recipe.instructions import Instruction, Recipe, Stage
from estiba.build.recipe.parse import parse, parse_trigger
from estiba.build.recipe.render import render
from estiba.build.recipe.resolve import resolve, variables_of
from estiba.build.recipe.scope import Scope

__all__ = [
    "Instruction",
    "Recipe",
    "Scope",
    "Stage",
    "parse",
    "parse_trigger",
    "render",
    "resolve",
    "variables_of",
]
