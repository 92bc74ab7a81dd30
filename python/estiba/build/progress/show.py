# SPDX-License-Identifier: Apache-2.0
"""Which display a build gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Protocol, TextIO

from estiba.build.progress.events import Event

Style = Literal["auto", "plain", "tty", "quiet"]


class Display(Protocol):
    """Shows events; to be closed at the end, whether it was a good one or not."""

    keeps_output: bool
    """Whether what programs wrote stays to be read."""

    def __call__(self, event: Event) -> None: ...

    def close(self) -> None: ...


@contextmanager
def show(stream: TextIO, style: Style = "auto") -> Iterator[Display]:
    """Show a build on a stream: `tty` moves, `plain` writes lines, `auto` moves on a terminal that can.

    NO_COLOR takes away the colours, TERM=dumb the movement.
    """
    display = _display(stream, style)
    try:
        yield display
    finally:
        display.close()


def _display(stream: TextIO, style: Style) -> Display:
    if style == "quiet":
        return _Quiet()
    if style == "tty" or (style == "auto" and stream.isatty() and os.environ.get("TERM", "dumb") != "dumb"):
        from estiba.build.progress.watched import Watched

        return Watched(stream)
    from estiba.build.progress.plain import Plain

    return Plain(stream)


class _Quiet:
    keeps_output = False

    def __call__(self, event: Event) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Nothing was shown."""
