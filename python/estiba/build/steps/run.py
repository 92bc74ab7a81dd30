# SPDX-License-Identifier: Apache-2.0
"""RUN: what its program is and what it sees, by which its result is found again; container.py runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from estiba.build.cache import Inputs
from estiba.build.recipe import render
from estiba.build.steps import mounts
from estiba.build.steps.step import Step, Surroundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from estiba.build.recipe.instructions import Mount, Run
    from estiba.build.state import State
    from estiba.build.steps.place import Place

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SCRIPT = "/dev/run-script"
"""Where a RUN that is one here-document with a line `#!` finds it."""


class Program(NamedTuple):
    """What is to be run."""

    args: list[str]
    environ: list[str]
    user: str
    folder: str
    network: str
    """"host" or "none"."""
    script: str | None
    """What `args` names, where it is a here-document."""
    mounts: Sequence[Mount]


def prepare(state: State, run: Run, number: int, around: Surroundings) -> Step:
    """Make the step of a resolved RUN in stage `number`."""
    program = Program(
        args=words(state, run),
        environ=environ(state, around),
        user=state.user,
        folder=state.folder,
        network=around.options.network if run.network == "default" else run.network,
        script=run.here_documents[0].content if _is_program(run) else None,
        mounts=run.mounts,
    )
    settings = {
        "user": program.user,
        "working directory": program.folder,
        "environment": list(state.scope.environ),
        "command": program.args,
        "network": program.network,
    }
    content = mounts.content(run.mounts, number, around)

    def perform(place: Place) -> None:
        # Here, as a build that finds all its results needs nothing of a container's.
        from estiba.build.steps import container

        container.perform(program, number, around, place)

    return Step(Inputs(render(run), state.scope.arguments, settings, content), perform)


def words(state: State, run: Run) -> list[str]:
    """Return the argument vector."""
    if _is_program(run):
        return [SCRIPT]
    if not run.command.is_shell and not run.is_script:
        return list(run.command.words)
    return [*state.shell, run.shell_line]


def _is_program(run: Run) -> bool:
    """Tell whether the command is a here-document that names its own interpreter."""
    return run.is_script and run.here_documents[0].content.startswith("#!")


def environ(state: State, around: Surroundings) -> list[str]:
    """Return what the program finds: the image's variables, the build's, the proxies."""
    merged = dict(each.partition("=")[::2] for each in (PATH,))
    merged |= around.proxies
    merged |= state.scope.variables
    return [f"{name}={value}" for name, value in merged.items()]
