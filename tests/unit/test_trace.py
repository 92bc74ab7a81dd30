# SPDX-License-Identifier: Apache-2.0
"""A trace told by the engine, as phases, as lines and as a picture."""

from __future__ import annotations

from xml.etree import ElementTree

from estiba.cli.trace import BAR, waterfall
from estiba.cli.waterfall import draw
from estiba.lifecycle.trace import Phase, phases

TOLD = {
    "engine": [
        {"phase": "plan", "at": 1_000_000_000},
        {"phase": "wait for init", "at": 1_001_000_000},
        {"phase": "end", "at": 1_004_000_000},
    ],
    "init": [
        {"step": "MountBind", "pointer": "/mounts/3", "at": 1_002_000_000},
        {"step": "Execute", "pointer": None, "at": 1_003_500_000},
    ],
}


def rounded(found: list[Phase]) -> list[Phase]:
    """Return the phases without the noise of binary fractions."""
    return [phase._replace(begin=round(phase.begin, 6), duration=round(phase.duration, 6)) for phase in found]


def test_each_phase_lasts_until_the_next_of_its_process() -> None:
    """Two processes side by side; the end ends both."""
    assert rounded(phases(TOLD)) == [
        Phase("engine", "plan", None, 0.0, 0.001),
        Phase("engine", "wait for init", None, 0.001, 0.003),
        Phase("init", "mount bind", "/mounts/3", 0.002, 0.0015),
        Phase("init", "execute", None, 0.0035, 0.0005),
    ]


def test_waterfall_has_a_line_a_phase_and_bars_that_fit() -> None:
    """Each bar lies inside its columns and begins where the phase begins."""
    first, _, *lines = waterfall(phases(TOLD))
    assert first == "4.00 ms from the config to the running program"
    bars = [line[16 : 16 + BAR] for line in lines]
    assert [(bar.index("█"), bar.count("█")) for bar in bars] == [(0, 10), (10, 30), (20, 15), (35, 5)]
    assert lines[2].endswith("  init   mount bind /mounts/3")


def test_picture_is_xml_with_a_bar_a_phase() -> None:
    """A title that holds markup is text."""
    picture = ElementTree.fromstring(draw(phases(TOLD), "<a & b>"))
    bars = [element for element in picture if element.tag.endswith("rect")]
    assert (len(bars), (picture[0].text or "").startswith("start of <a & b>: 4.00 ms")) == (4, True)
