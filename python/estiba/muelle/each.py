# SPDX-License-Identifier: Apache-2.0
"""Do the same for each word of a command line: what fails is told, and the others are done all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.errors import EstibaError
from estiba.muelle import output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def each(
    words: Iterable[str], do: Callable[[str], None], *, unless: type[EstibaError] | None = None
) -> tuple[list[str], int]:
    """Return the words for which `do` went well, and the exit code; an error of the kind `unless` is no failure."""
    done, code = [], 0
    for word in words:
        try:
            do(word)
            done.append(word)
        except EstibaError as error:
            if unless is not None and isinstance(error, unless):
                output.warn(error.message)
                continue
            output.tell(error.message, error.hint)
            code = 1
    return done, code
