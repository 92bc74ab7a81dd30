# SPDX-License-Identifier: Apache-2.0
"""Progress for who watches: finished steps stay, running ones are below with their time and their last lines.

rich is imported here and nowhere else, so that only a build on a terminal pays for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from estiba.build.progress import words
from estiba.build.progress.events import (
    BuildDoubted,
    BuildEnded,
    Event,
    StepBegun,
    StepEnded,
    StepOutput,
    StepProgress,
    Verdict,
)
from estiba.build.signals import held

LAST_LINES = 6
"""Of the output of each running step."""

STYLES = {Verdict.CACHED: "blue", Verdict.DONE: "green", Verdict.FAILED: "bold red", Verdict.CANCELED: "dim"}
MARKS = {Verdict.CACHED: "=", Verdict.DONE: "✓", Verdict.FAILED: "✗", Verdict.CANCELED: "-"}


class _Running:
    """A step that has not ended."""

    def __init__(self, begun: StepBegun) -> None:
        self.begun = begun
        self.since = time.monotonic()
        self.lines: deque[str] = deque(maxlen=LAST_LINES)
        self.amount = ""
        self.spinner = Spinner("dots")


class Watched:
    """Draws what runs, eight times a second."""

    keeps_output = False

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=False)
        self._running: dict[int, _Running] = {}
        self._lock = threading.Lock()
        self._live = Live(
            console=self._console, refresh_per_second=8, transient=True, get_renderable=self._picture
        )
        with held():
            self._live.start()

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        with self._lock:
            done = self._take(event)
        if done is not None:
            self._console.print(done, no_wrap=True, overflow="ellipsis")

    def close(self) -> None:
        """Take the moving part away."""
        self._live.stop()

    def _take(self, event: Event) -> Text | None:
        """Change what is known; return what is to stay on the screen."""
        match event:
            case StepBegun():
                self._running[event.step] = _Running(event)
            case StepOutput() if event.step in self._running:
                self._running[event.step].lines.append(event.line)
            case StepProgress() if event.step in self._running:
                self._running[event.step].amount = words.amount(event)
            case StepEnded() if event.step in self._running:
                return _ended(self._running.pop(event.step).begun, event, self._console.width)
            case BuildDoubted():
                return Text(words.doubt(event), style="yellow")
            case BuildEnded():
                return _built(event)
        return None

    def _picture(self) -> Group:
        with self._lock:
            now = time.monotonic()
            return Group(*(_drawn(each, now) for each in self._running.values()))


def _drawn(running: _Running, now: float) -> Group:
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(width=1)
    head.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    head.add_column(justify="right", no_wrap=True)
    head.add_row(
        running.spinner,
        Text(words.title(running.begun)),
        Text(f"{running.amount} {now - running.since:.1f} s".strip(), style="cyan"),
    )
    return Group(
        head, *(Text(f"    {line}", style="dim", no_wrap=True, overflow="ellipsis") for line in running.lines)
    )


def _ended(begun: StepBegun, ended: StepEnded, width: int) -> Text:
    """Shorten the instruction, so that the verdict and the reason are on the line."""
    said = words.verdict(ended)
    title = Text(words.title(begun))
    title.truncate(max(width - len(said) - 4, 20), overflow="ellipsis")
    style = STYLES[ended.verdict]
    return Text.assemble((f"{MARKS[ended.verdict]} ", style), title, (f"  {said}", style))


def _built(event: BuildEnded) -> Text:
    line = Text("built ", style="bold green")
    line.append(words.names(event) or event.digest, style="bold")
    line.append(f"  {words.size(event.size)} in {words.seconds(event.seconds)}")
    return line
