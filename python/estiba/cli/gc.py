# SPDX-License-Identifier: Apache-2.0
"""gc: clean what killed verbs have left under the state root."""

from __future__ import annotations

from estiba.cli import report
from estiba.cli.settings import root
from estiba.command_line.run import say
from estiba.lifecycle.recovery import Swept, sweep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed

FOUND = {
    "half-made": "its create was killed",
    "stopped": "its init has ended",
    "busy": "left alone, a verb is at work on it",
}


def gc(parsed: Parsed) -> int:
    """Clean, and say what was done; return 1 if something could not be cleaned."""
    dry_run = parsed.options.flag("dry-run")
    stopped = parsed.options.flag("stopped")
    code = 0
    for swept in sweep(root=root(parsed), stopped=stopped, dry_run=dry_run):
        if swept.error is not None:
            code = report.failure(swept.error.message, swept.error.hint, parsed.globals, 1)
        say(told(swept, stopped=stopped, dry_run=dry_run))
        report.warn(swept.warnings, parsed.globals)
    return code


def told(swept: Swept, *, stopped: bool, dry_run: bool) -> str:
    """Say what became of one container; nothing of one that lives, or has its owner still to come."""
    why = FOUND.get(swept.found)
    if why is None or (swept.found == "stopped" and not stopped):
        return ""
    if swept.found == "busy":
        return f"{swept.id}: {why}\n"
    return f"{swept.id}: {'would be removed' if dry_run else 'removed'}, {why}\n"
