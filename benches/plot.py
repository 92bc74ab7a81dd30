# SPDX-License-Identifier: Apache-2.0
"""Draw a result as SVG: a group of bars a case, a bar a runtime, a mark at its minimum. Pure.

As a command:

    python benches/plot.py benches/results/FILE.json > plot.svg
    python benches/plot.py benches/results/FILE.json run exec > plot.svg    # these cases alone
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from xml.sax.saxutils import escape

from report import Result, Samples, with_sum

OWN, PEERS = "#0b6e4f", ("#7a8b99", "#a9b4bd", "#c0893a", "#d9b06f", "#8f6a9e", "#5d86b0")
BAR, GAP, LEFT, WIDTH = 14, 12, 110, 640
LEGEND_ROW = 3  # names in a row of the legend
STYLE = "font-family:sans-serif;font-size:11px;fill:#777"  # readable on a light page and on a dark one


def draw(result: Result, wanted: Sequence[str] = ()) -> str:
    """Return the SVG text of the wall times of a result, of the wanted cases or of all."""
    every = with_sum(result["cases"])
    cases = {case: samples for case, samples in every.items() if not wanted or case in wanted}
    names = [name for name in result["runtimes"] if any(name in samples for samples in cases.values())]
    longest = {
        case: max(median(kinds["wall_us"]) for kinds in samples.values()) for case, samples in cases.items()
    }
    if result.get("scale") != "case":
        longest = dict.fromkeys(longest, max(longest.values()))
    body = [_legend(names, result["runtimes"])]
    top = 30 + 16 * -(-len(names) // LEGEND_ROW) + GAP
    for case, samples in cases.items():
        body.append(_group(case, samples, names, top, (WIDTH - LEFT - 60) / longest[case]))
        top += len(samples) * BAR + GAP
    machine = result["machine"]
    place = f"{machine['cpus']} cores of {machine['cpu']}, Linux {machine['kernel'].split('-')[0]}"
    title = f"wall time in ms, median (line: minimum), {result['rounds']} rounds, {place}, {result['date']}"
    body.insert(0, _text(0, 14, title))
    inside = "\n".join(body)
    box = f'viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} style="{STYLE}">\n{inside}\n</svg>\n'


def _colour(name: str, names: list[str]) -> str:
    """Return the colour of a runtime: estiba's own, or the next one of the peers'."""
    peers = [other for other in names if not other.startswith("estiba")]
    return PEERS[peers.index(name) % len(PEERS)] if name in peers else OWN


def _legend(names: list[str], versions: dict[str, str]) -> str:
    parts = []
    for at, name in enumerate(names):
        row, column = divmod(at, LEGEND_ROW)
        x, y = column * (WIDTH // LEGEND_ROW), 26 + 16 * row
        parts.append(_bar(x, y, 10, 10, _colour(name, names)))
        parts.append(_text(x + 14, y + 9, f"{name} {versions[name]}"))
    return "\n".join(parts)


def _group(case: str, samples: Samples, names: list[str], top: int, scale: float) -> str:
    parts = [_text(0, top + BAR * len(samples) // 2 + 4, case)]
    for row, (name, kinds) in enumerate(samples.items()):
        wall = kinds["wall_us"]
        y, length, least = top + row * BAR, median(wall) * scale, min(wall) * scale
        parts.append(_bar(LEFT, y, length, BAR - 2, _colour(name, names)))
        parts.append(_bar(LEFT + least, y, 1, BAR - 2, "#fff"))
        parts.append(_text(LEFT + length + 4, y + BAR - 4, f"{median(wall) / 1000:.1f}"))
    return "\n".join(parts)


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the picture of a result, as SVG.")
    parser.add_argument("file", type=Path, help="of benches/results, as JSON")
    parser.add_argument("cases", nargs="*", help="these alone")
    asked = parser.parse_args()
    sys.stdout.write(draw(json.loads(asked.file.read_text()), asked.cases))
