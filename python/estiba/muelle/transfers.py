# SPDX-License-Identifier: Apache-2.0
"""What pull and push show while they go on: bars on a terminal, else a line for each layer that has come or gone.

rich is imported where there is a terminal, and nowhere else.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from estiba.images import media
from estiba.images.registry.transfers import quiet
from estiba.muelle import output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID

    from estiba.images.registry.transfers import Progress, Transfer

DIGITS = 12
WORDS = {"present": "there already", "mounted": "taken from another repository of the registry"}


@contextmanager
def show(stream: TextIO, *, is_quiet: bool = False) -> Iterator[Progress]:
    """Give what shows the transfers on a stream."""
    if is_quiet:
        yield quiet
    elif stream.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        with bars(stream) as progress:
            yield progress
    else:
        yield lines(stream)


def lines(stream: TextIO) -> Progress:
    """Return what writes a line for each layer that is there."""
    lock = threading.Lock()

    def tell(transfer: Transfer) -> None:
        if (text := line(transfer)) is not None:
            with lock:
                stream.write(f"{text}\n")
                stream.flush()

    return tell


@contextmanager
def bars(stream: TextIO) -> Iterator[Progress]:
    """Give what draws a bar for each layer on its way; of those that are there a line stays."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    console = Console(file=stream, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bars(*columns, console=console, transient=True) as drawn:
        known: dict[str, TaskID] = {}
        lock = threading.Lock()

        def tell(transfer: Transfer) -> None:
            if transfer.media_type not in media.LAYERS:
                return
            with lock:
                if (text := line(transfer)) is not None:
                    console.print(text, markup=False, no_wrap=True)
                    if (task := known.pop(transfer.digest, None)) is not None:
                        drawn.remove_task(task)
                    return
                if transfer.digest not in known:
                    known[transfer.digest] = drawn.add_task(name(transfer), total=transfer.size)
                drawn.update(known[transfer.digest], completed=transfer.done)

        yield tell


def line(transfer: Transfer) -> str | None:
    """Return what is said of a layer that is there; None while it is on its way, and of an image's config."""
    if transfer.state == "moving" or transfer.media_type not in media.LAYERS:
        return None
    return f"{name(transfer)}: {WORDS.get(transfer.state) or output.size(transfer.size)}"


def name(transfer: Transfer) -> str:
    """Return what people call a layer."""
    return f"layer {transfer.digest.removeprefix('sha256:')[:DIGITS]}"
