# SPDX-License-Identifier: Apache-2.0
"""The text of --help, made of a command's tables."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.command_line.read import Language, OptionSpec

BRACKETS = {"one": "{}", "optional": "[{}]", "some": "{}...", "rest": "[{}...]"}


def text(language: Language, verb: str) -> str:
    """Return the help of a verb, or of the command for ""."""
    program = language.program
    if not verb:
        rows = [(name, summary) for name, (summary, _words, _options) in language.verbs.items()]
        parts = [f"usage: {program} [OPTION...] COMMAND ...\n", *section("commands", rows)]
        options = [row(option) for option in language.globals]
        return "".join([*parts, *section("options before the command", options)])
    summary, words, specs = language.verbs[verb]
    usage = " ".join(
        [program, verb, "[OPTION...]", *(BRACKETS[many].format(name) for name, many, _help in words)]
    )
    parts = [f"usage: {usage}\n\n{summary}\n"]
    if (count := language.program_after.get(verb)) is not None:
        last = words[count - 1][0]
        parts.append(f"Options stand before {last}; what follows it belongs to the program.\n")
    parts += section("arguments", [(name, help) for name, _many, help in words])
    return "".join([*parts, *section("options", [row(option) for option in specs])])


def row(option: OptionSpec) -> tuple[str, str]:
    """Lay out one option: `-t, --tag NAME`."""
    name, letter, _kind, value, help = option
    short = f"-{letter}, " if letter else "    "
    return f"{short}--{name} {value}".rstrip(), help


def section(title: str, rows: list[tuple[str, str]]) -> list[str]:
    """Lay out a table of two columns."""
    if not rows:
        return []
    width = max(len(left) for left, _right in rows)
    return [f"\n{title}:\n", *(f"  {left:<{width}}  {right}\n" for left, right in rows)]
