# SPDX-License-Identifier: Apache-2.0
"""argv of `estiba` by estiba.tables.arguments; the twin of rust/cli/src/arguments.rs.

tests/golden/arguments.txt holds cases that both answer alike.
"""

from __future__ import annotations

from estiba.command_line.read import Language, Options, Parsed, Refusal
from estiba.tables import arguments

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from estiba.command_line.read import OptionSpec, VerbSpec

__all__ = ["LANGUAGE", "VERBS", "Options", "Parsed", "Refusal", "parse", "refusal"]

VERBS: dict[str, VerbSpec] = {**arguments.NATIVE, **arguments.PYTHON}


class _Language(Language):
    """As runc's callers write it: an option has one dash or two, and a word of its own."""

    def take(self, verb: str, specs: tuple[OptionSpec, ...], args: list[str], options: Options) -> list[str]:
        dashed, equals, value = args[0].partition("=")
        name = dashed.removeprefix("--") if dashed.startswith("--") else dashed.removeprefix("-")
        spec = next((spec for spec in specs if name and name in spec[:2]), None)
        if spec is None:
            near = self.nearest(name, [spec[0] for spec in specs])
            raise self.refusal(verb, "unknown-option", near and f"--{near}", what=dashed)
        return self.take_value(verb, spec, value if equals else None, args[1:], options)

    def program_words(self, rest: list[str]) -> list[str]:
        return rest[1:] if rest[:1] == ["--"] else rest

    def refusal_exit(self, verb: str) -> int:
        return arguments.FAILURE_EXIT.get(verb, 1)

    def nearest(self, word: str, names: Iterable[str]) -> str | None:
        """Return the name that is at most two changes away and less than half of the word."""
        measured = [(distance(word, name), name) for name in names]
        near = [(changes, name) for changes, name in measured if changes <= 2 and changes * 2 < len(word)]
        return min(near, key=lambda pair: pair[0])[1] if near else None


LANGUAGE = _Language(
    "estiba",
    globals=arguments.GLOBAL,
    verbs=VERBS,
    program_after=dict.fromkeys(arguments.REST_AFTER_ID, 1),
    refusals=arguments.REFUSALS,
    hints=arguments.HINTS,
)
parse, refusal = LANGUAGE.parse, LANGUAGE.refusal


def distance(left: str, right: str) -> int:
    """Count insertions, deletions and replacements between two words (Levenshtein)."""
    row = list(range(len(right) + 1))
    for line, character in enumerate(left):
        following = [line + 1]
        for column, other in enumerate(right):
            changed = row[column] + (character != other)
            following.append(min(changed, row[column + 1] + 1, following[-1] + 1))
        row = following
    return row[-1]
