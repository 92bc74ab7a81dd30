# SPDX-License-Identifier: Apache-2.0
"""The events of a build. A step has a number that is its own in the whole build."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple


class Verdict(Enum):
    """How a step ended."""

    CACHED = "cached"
    """Its result was there."""
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"
    """Another step failed meanwhile."""


class StepBegun(NamedTuple):
    """A step starts, after all that it needs."""

    step: int
    stage: str
    """The stage's name, else its number; empty if there is only one without a name."""
    position: int
    """From 1, within its stage."""
    steps: int
    """How many there are of its stage."""
    text: str
    """The instruction as `render` writes it; displays show its first line."""


class StepOutput(NamedTuple):
    """A step's program wrote a line."""

    step: int
    line: str


class StepProgress(NamedTuple):
    """A step has come so far with what can be counted."""

    step: int
    what: str
    """As in "unpacking", "copying", "compressing"."""
    done: int
    total: int | None
    """Bytes, as `done`; None where nobody knows."""


class StepEnded(NamedTuple):
    """A step is over."""

    step: int
    verdict: Verdict
    seconds: float
    reason: str | None = None
    """Why its result was not in the cache, as in `the content of "src" has changed`; or how it failed."""


class BuildDoubted(NamedTuple):
    """Something of the Containerfile or of the options is allowed, and likely not meant."""

    message: str
    """With its place: FILE:LINE:COLUMN."""
    hint: str | None = None


class BuildEnded(NamedTuple):
    """The image is there."""

    digest: str
    """Of its manifest."""
    names: tuple[str, ...]
    seconds: float
    size: int
    """Bytes of its layers as they are stored."""


Event = StepBegun | StepOutput | StepProgress | StepEnded | BuildDoubted | BuildEnded
Progress = Callable[[Event], None]
