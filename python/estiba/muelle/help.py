# SPDX-License-Identifier: Apache-2.0
"""The text of --help, made of estiba.tables.muelle."""

from __future__ import annotations

from estiba.tables.muelle import GLOBAL, PROGRAM_AFTER, VERBS, OptionSpec

BRACKETS = {"one": "{}", "optional": "[{}]", "some": "{}...", "rest": "[{}...]"}


def text(verb: str) -> str:
    """Return the help of a verb, or of the command for ""."""
    if not verb:
        rows = [(name, summary) for name, (summary, _words, _options) in VERBS.items()]
        parts = ["usage: muelle [OPTION...] COMMAND ...\n", *section("commands", rows)]
        return "".join([*parts, *section("options before the command", [row(option) for option in GLOBAL])])
    summary, words, options = VERBS[verb]
    usage = " ".join(
        ["muelle", verb, "[OPTION...]", *(BRACKETS[many].format(name) for name, many, _help in words)]
    )
    parts = [f"usage: {usage}\n\n{summary}\n"]
    if (count := PROGRAM_AFTER.get(verb)) is not None:
        last = words[count - 1][0]
        parts.append(f"Options stand before {last}; what follows it belongs to the program.\n")
    parts += section("arguments", [(name, help) for name, _many, help in words])
    return "".join([*parts, *section("options", [row(option) for option in options])])


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
