# SPDX-License-Identifier: Apache-2.0
"""How steps, names, times and sizes are written, alike in all displays."""

from __future__ import annotations

from estiba.build.progress.events import BuildDoubted, BuildEnded, StepBegun, StepEnded, StepProgress, Verdict
from estiba.build.progress.lines import CONTROL
from estiba.images.reference import parse


def title(step: StepBegun) -> str:
    """Return `[stage 2/5] RUN make`: the first line, without control characters."""
    stage = f"{step.stage} " if step.stage else ""
    first = CONTROL.sub("", step.text.partition("\n")[0])
    return f"[{stage}{step.position}/{step.steps}] {first}"


def verdict(ended: StepEnded) -> str:
    """Return `cached 0.00 s`, or `done 0.35 s: REASON`."""
    reason = f": {ended.reason}" if ended.reason else ""
    return f"{ended.verdict.value}{'' if ended.verdict is Verdict.CANCELED else f' {ended.seconds:.2f} s'}{reason}"


def amount(progress: StepProgress) -> str:
    """Return `unpacking 12.0 of 204.0 MB`."""
    if progress.total is None:
        return f"{progress.what} {size(progress.done)}"
    return f"{progress.what} {size(progress.done)} of {size(progress.total)}"


def size(count: int) -> str:
    """Return a number of bytes with a unit of thousands."""
    if count < 1000:
        return f"{count} B"
    number = float(count)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95:
            break
    return f"{number:.1f} {unit}"


def doubt(doubted: BuildDoubted) -> str:
    """Return a warning as people read it."""
    hint = f" ({doubted.hint})" if doubted.hint else ""
    return f"warning: {doubted.message}{hint}"


def names(ended: BuildEnded) -> str:
    """Return the image's names as people write them, `web:latest`."""
    return ", ".join(parse(name).familiar for name in ended.names)


def seconds(time: float) -> str:
    """Return a time as people say it."""
    return f"{time:.2f} s" if time < 60 else f"{int(time) // 60} min {int(time) % 60} s"
