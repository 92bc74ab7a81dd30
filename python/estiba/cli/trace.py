# SPDX-License-Identifier: Apache-2.0
"""trace: start a container and show how long each phase of the start took."""

from __future__ import annotations

import json

from estiba.cli.settings import root
from estiba.command_line.run import say
from estiba.errors import HostUnsupported, cause
from estiba.lifecycle.trace import Phase, trace_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.cli.parse import Parsed

BAR = 40
"""Columns of the waterfall."""


def trace(parsed: Parsed) -> int:
    """Print the phases of one start, and draw them where --svg says."""
    bundle = parsed.words[0] if parsed.words else "."
    found = trace_start(bundle, root=root(parsed), config_file=parsed.options.text("config"))
    if parsed.options.text("format") == "json":
        say(json.dumps([phase._asdict() for phase in found], indent=2) + "\n")
    else:
        say("".join(f"{line}\n" for line in waterfall(found)))
    if file := parsed.options.text("svg"):  # last: what was measured is told where no picture can be written
        from estiba.cli.waterfall import draw

        write(file, draw(found, bundle))
    return 0


def write(file: str, text: str) -> None:
    """Write the picture. Raises HostUnsupported when the file cannot be written."""
    try:
        with open(file, "w", encoding="utf-8") as picture:
            picture.write(text)
    except OSError as error:
        raise HostUnsupported(f'cannot write "{file}": {cause(error.errno)}', errno=error.errno) from None


def waterfall(found: Sequence[Phase]) -> list[str]:
    """Return a line a phase: when it began, how long it took, both as numbers and as a bar."""
    whole = max(phase.begin + phase.duration for phase in found)
    lines = [f"{1e3 * whole:.2f} ms from the config to the running program", " begin   took ms"]
    for phase in found:
        at, width = (round(BAR * part / whole) for part in (phase.begin, phase.duration))
        bar = (" " * min(at, BAR - 1) + "█" * max(width, 1))[:BAR]
        what = f"{phase.who:6} {phase.name}{f' {phase.pointer}' if phase.pointer else ''}"
        lines.append(f"{1e3 * phase.begin:6.2f}  {1e3 * phase.duration:6.2f}  {bar:{BAR}}  {what}")
    return lines
