# SPDX-License-Identifier: Apache-2.0
"""argv of `muelle` by estiba.tables.muelle, as Docker's users write it: `-it` is `-i -t`, `-eA=B` is `-e A=B`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estiba.command_line.read import Language, Options, Parsed, Refusal, size
from estiba.tables import muelle as tables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from estiba.command_line.read import OptionSpec

__all__ = ["LANGUAGE", "Options", "Parsed", "Refusal", "parse", "size"]


class _Language(Language):
    def take(self, verb: str, specs: tuple[OptionSpec, ...], args: list[str], options: Options) -> list[str]:
        word, after = args[0], args[1:]
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            spec = next((spec for spec in specs if spec[0] == name), None)
            if spec is None:
                raise self._unknown(verb, f"--{name}", name, specs)
            return self.take_value(verb, spec, value if equals else None, after, options)
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            spec = next((spec for spec in specs if spec[1] == letter), None)
            if spec is None:
                raise self._unknown(verb, f"-{letter}", word[1:], specs)
            if spec[2] != "flag" or letters.startswith("="):
                return self.take_value(verb, spec, letters.removeprefix("=") or None, after, options)
            options.given.append((spec[0], "true"))
        return after

    def _unknown(self, verb: str, what: str, name: str, specs: tuple[OptionSpec, ...]) -> Refusal:
        near = self.nearest(name, [spec[0] for spec in specs]) if len(name) > 1 else None
        return self.refusal(verb, "unknown-option", near and f"--{near}", what=what)

    def refusal(
        self, verb: str, breach: str, near: str | None = None, /, *, hint: str = "help", **facts: str
    ) -> Refusal:
        refusal = super().refusal(verb, breach, near, hint=hint, **facts)
        if breach == "missing":
            help = next(help for name, _many, help in self.verbs[verb][1] if name == facts["what"])
            refusal.hint = f"{facts['what']} is {help}" if help else refusal.hint
        if breach in ("unknown-command", "unknown-option"):
            from estiba.tables.elsewhere import ELSEWHERE

            what = facts["what"]
            refusal.hint = ELSEWHERE.get(verb, {}).get(what, refusal.hint)
            if verb and what.removeprefix("--") in [spec[0] for spec in self.globals]:
                refusal.hint = f"it stands before the command: `{self.program} {what} ... {verb}`"
        return refusal

    def refusal_exit(self, _verb: str) -> int:
        return tables.USAGE_EXIT

    def nearest(self, word: str, names: Iterable[str]) -> str | None:
        from estiba.spec.words import nearest

        return nearest(word, names)

    nearest_value = nearest


LANGUAGE = _Language(
    "muelle",
    globals=tables.GLOBAL,
    verbs=tables.VERBS,
    program_after=tables.PROGRAM_AFTER,
    refusals=tables.REFUSALS,
    hints=tables.HINTS,
)
parse = LANGUAGE.parse
