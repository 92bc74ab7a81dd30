# SPDX-License-Identifier: Apache-2.0
"""The phases of a start as an SVG picture: a bar a phase, the engine's and init's in two colours. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.lifecycle.trace import Phase

ROW, LEFT, WIDTH = 16, 250, 900
COLOURS = {"engine": "#0b6e4f", "init": "#c0893a"}
STYLE = "font-family:sans-serif;font-size:11px;fill:#777"  # readable on a light page and on a dark one


def draw(found: Sequence[Phase], title: str) -> str:
    """Return the text of the picture."""
    whole = max(phase.begin + phase.duration for phase in found)
    scale = (WIDTH - LEFT - 60) / whole
    rows = [text(0, 12, f"start of {title}: {1e3 * whole:.2f} ms; green: the engine, brown: init")]
    for number, phase in enumerate(found):
        top = 20 + number * ROW
        left, width = LEFT + phase.begin * scale, max(phase.duration * scale, 1)
        rows += [
            text(0, top + 11, f"{phase.name} {phase.pointer or ''}".rstrip()),
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{ROW - 4}" fill="{COLOURS[phase.who]}"/>',
            text(left + width + 4, top + 11, f"{1e3 * phase.duration:.2f}"),
        ]
    height = 24 + len(found) * ROW
    inside = "\n".join(rows)
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} style="{STYLE}">\n{inside}\n</svg>\n'


def text(x: float, y: float, words: str) -> str:
    """Return one line of text at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'
