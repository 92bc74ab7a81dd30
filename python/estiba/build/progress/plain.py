# SPDX-License-Identifier: Apache-2.0
"""Progress as lines, for files, pipes and continuous integration: each begins with its step's number."""

from __future__ import annotations

import threading
from typing import TextIO

from estiba.build.progress import words
from estiba.build.progress.events import (
    BuildDoubted,
    BuildEnded,
    Event,
    StepBegun,
    StepEnded,
    StepOutput,
    StepProgress,
)


class Plain:
    """Writes a line an event; nothing is ever written over."""

    keeps_output = True

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        """Show an event."""
        line = _line(event)
        if line is not None:
            with self._lock:
                self._stream.write(line + "\n")
                self._stream.flush()

    def close(self) -> None:
        """Nothing is left to show."""


def _line(event: Event) -> str | None:
    match event:
        case StepBegun():
            return f"#{event.step} {words.title(event)}"
        case StepOutput():
            return f"#{event.step} | {event.line}"
        case StepEnded():
            return f"#{event.step} {words.verdict(event)}"
        case StepProgress():
            return None
        case BuildDoubted():
            return words.doubt(event)
        case BuildEnded():
            names = f" as {words.names(event)}" if event.names else ""
            return f"built {event.digest}{names}: {words.size(event.size)} in {words.seconds(event.seconds)}"
