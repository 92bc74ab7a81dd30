# SPDX-License-Identifier: Apache-2.0
"""ONBUILD: an instruction that is kept for later."""

from __future__ import annotations

from collections.abc import Callable

from estiba.build.recipe.instructions import Instruction, OnBuild
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.build.recipe.words import SPACES, at_blanks

NOT_LATER = ("FROM", "ONBUILD", "MAINTAINER")


def on_build(argument: Argument, read: Callable[[Argument], Instruction]) -> OnBuild:
    """Read ONBUILD; `read` reads what follows it."""
    _, argument = argument.without_options()
    argument.need("an instruction")
    word = at_blanks(argument.line)[0]
    keyword = word.text.upper()
    if keyword in NOT_LATER:
        raise Fault(word.place, f"ONBUILD {keyword} is not allowed")
    text = argument.line.text
    begin = len(text) - len(text.lstrip(SPACES)) + len(word.text)
    later = argument._replace(keyword=keyword, place=word.place, line=argument.line.part(begin))
    bodies = (f"\n{document.content}{document.name}" for document in argument.here_documents)
    return OnBuild(argument.place, text.strip(SPACES) + "".join(bodies), read(later))
