# SPDX-License-Identifier: Apache-2.0
"""Which stages a build needs, and what each of them starts from. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from estiba.build.recipe import Recipe, Scope, Stage, resolve
from estiba.build.recipe.instructions import Copy, Place, Run, Word
from estiba.build.recipe.problems import Fault, invalid
from estiba.errors import BuildFailed
from estiba.spec.words import nearest, quote

SCRATCH = "scratch"


class StagePlan(NamedTuple):
    """A stage of the recipe that is to be built."""

    number: int
    stage: Stage
    base: int | str
    """The number of another stage, an image's reference, or SCRATCH."""
    platform: str | None
    needs: frozenset[int]
    """The stages that it starts from, copies from or mounts."""
    title: str
    """What progress calls it: its name, else its number; "" where it is the only one without a name."""


class Plan(NamedTuple):
    """What is to be built."""

    recipe: Recipe
    stages: dict[int, StagePlan]
    """Only those that are needed, in the recipe's order: none needs a later one."""
    target: int

    def number_of(self, name: str, before: int) -> int | None:
        """Return the stage that `--from=NAME` means in stage `before`; None: it is an image's reference."""
        return find(self.recipe.stages, name, before)


def plan(recipe: Recipe, scope: Scope, target: str | None) -> Plan:
    """Find out what the target needs. Raises BuildFileInvalid; BuildFailed where there is no such target."""
    last = len(recipe.stages) - 1
    wanted = last if target is None else find(recipe.stages, target, last + 1)
    if wanted is None:
        names = [stage.name for stage in recipe.stages if stage.name]
        near = nearest(target or "", names)
        hint = f"did you mean {quote(near)}?" if near else f"there are {len(recipe.stages)} stages, from 0"
        raise BuildFailed(f"{recipe.file}: there is no stage {quote(target)}", hint=hint)
    every = [_planned(number, stage, recipe, scope) for number, stage in enumerate(recipe.stages)]
    needed: set[int] = set()
    waiting = [wanted]
    while waiting:
        number = waiting.pop()
        if number not in needed:
            needed.add(number)
            waiting += every[number].needs
    return Plan(recipe, {number: every[number] for number in sorted(needed)}, wanted)


def find(stages: Iterable[Stage], name: str, before: int) -> int | None:
    """Return the number of the last stage before `before` that is called so, without regard to case, or is it."""
    earlier = list(stages)[:before]
    for number in range(len(earlier) - 1, -1, -1):
        if earlier[number].name == name.lower():
            return number
    if name.isascii() and name.isdigit() and int(name) < len(earlier):
        return int(name)
    return None


def _planned(number: int, stage: Stage, recipe: Recipe, scope: Scope) -> StagePlan:
    base = resolve(stage.base, scope.variables, recipe)
    if not base.image.text:
        hint = "give ARG a default before the first FROM, or --build-arg"
        raise invalid(recipe.file, [Fault(base.image.place, "the name of the base is empty", hint)])
    found = find(recipe.stages, base.image.text, number) if not base.image.text.isdigit() else None
    needs = {each for each in _used(number, stage, recipe) if each is not None}
    if found is not None:
        needs.add(found)
    title = stage.name or ("" if len(recipe.stages) == 1 else str(number))
    start: int | str = base.image.text if found is None else found
    return StagePlan(
        number, stage, start, base.platform.text if base.platform else None, frozenset(needs), title
    )


def _used(number: int, stage: Stage, recipe: Recipe) -> Iterator[int | None]:
    """List the stages that instructions name, and refuse what is not there yet."""
    for name, place in _named(stage):
        found = find(recipe.stages, name, number)
        if found is None and (name.isdigit() or find(recipe.stages, name, len(recipe.stages)) is not None):
            message = f"the stage {quote(name)} does not come before this one"
            raise invalid(recipe.file, [Fault(place, message, "a stage can use those above it alone")])
        yield found


def _named(stage: Stage) -> Iterator[tuple[str, Place]]:
    for instruction in stage.instructions:
        if isinstance(instruction, Copy) and isinstance(instruction.stage, Word):
            yield instruction.stage.text, instruction.stage.place
        elif isinstance(instruction, Run):
            yield from ((each.stage, each.word.place) for each in instruction.mounts if each.stage)
