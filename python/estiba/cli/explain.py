# SPDX-License-Identifier: Apache-2.0
"""explain: what a property of config.json means."""

from __future__ import annotations

import textwrap

from estiba.command_line.run import say
from estiba.spec.explain import Meaning
from estiba.spec.explain import explain as look_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed

WIDTH = 100


def explain(parsed: Parsed) -> int:
    """Print what the schema says of one property, or of the whole config."""
    say(told(look_up(parsed.words[0] if parsed.words else "")))
    return 0


def told(meaning: Meaning) -> str:
    """Write it as people read it."""
    required = ", required" if meaning.is_required else ""
    lines = [f"{meaning.path}: {meaning.description}", f"  {meaning.expected}{required}"]
    if meaning.words:
        words = textwrap.fill(", ".join(meaning.words), WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines += [words]
    if meaning.hint:
        lines += [f"  {meaning.hint}"]
    if meaning.members:
        width = max(len(name) for name, _ in meaning.members)
        lines += ["", *(f"  {name:<{width}}  {description}" for name, description in meaning.members)]
    return "".join(f"{line}\n" for line in lines)
