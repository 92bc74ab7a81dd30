# SPDX-License-Identifier: Apache-2.0
"""What a build tells of itself while it runs, and how people see it: events in, lines or a moving display out.

A build calls one function, `Progress`, from whatever thread something happens in; the displays lock by themselves.
"""

from __future__ import annotations

from estiba.build.progress.events import (
    BuildDoubted,
    BuildEnded,
    Event,
    Progress,
    StepBegun,
    StepEnded,
    StepOutput,
    StepProgress,
    Verdict,
)
from estiba.build.progress.lines import Lines
from estiba.build.progress.show import Display, show

__all__ = [
    "BuildDoubted",
    "BuildEnded",
    "Display",
    "Event",
    "Lines",
    "Progress",
    "StepBegun",
    "StepEnded",
    "StepOutput",
    "StepProgress",
    "Verdict",
    "show",
]
