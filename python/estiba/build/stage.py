# SPDX-License-Identifier: Apache-2.0
"""One stage at work: its base, then its instructions, each found in the cache or performed."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from estiba.build.cache import Inputs, Result, reason
from estiba.build.context import Tree
from estiba.build.layer import Layer
from estiba.build.packing import Fresh
from estiba.build.plan import SCRATCH
from estiba.build.progress import StepBegun, StepEnded, StepOutput, StepProgress, Verdict
from estiba.build.recipe import Instruction, parse_trigger, render, resolve
from estiba.build.recipe.instructions import Add, Copy, Run, Workdir
from estiba.build.recipe.problems import Fault, invalid
from estiba.build.state import State
from estiba.build.steps import copy, metadata, run
from estiba.build.steps.place import Place
from estiba.build.steps.step import Step, Surroundings
from estiba.errors import BuildFailed, BuildFileInvalid, EstibaError, ReferenceInvalid
from estiba.images import Image, ImageConfig, snapshots
from estiba.images import platform as platforms
from estiba.images.image import find, fitting

if TYPE_CHECKING:
    from estiba.build.execute import Build
    from estiba.build.plan import StagePlan
    from estiba.build.recipe.scope import StageScope

FOLLOWS = "what it is built on is new"


class StageRun:
    """A stage of one build. `run` is its thread; the others wait for `result`."""

    def __init__(self, build: Build, planned: StagePlan) -> None:
        self.number = planned.number
        self._build, self._plan = build, planned
        self._ended = threading.Event()
        self._state: State | None = None
        self._trees: dict[str, Tree] = {}
        self._step = 0
        self._scope: StageScope | None = None
        self._noted: list[Inputs] = []
        self._before = build.cache.last_build(f"{build.place}\0{planned.number}")

    def run(self) -> None:
        """Build the stage; a failure is noted at the build."""
        try:
            self._state = self._run()
            if self._noted != self._before:
                self._build.cache.note_build(f"{self._build.place}\0{self.number}", self._noted)
        except BaseException as error:  # noqa: BLE001 - the build raises it
            self._build.fail(error)
        finally:
            for tree in self._trees.values():
                tree.close()
            self._ended.set()

    def wait(self) -> None:
        """Wait until the thread has done its work."""
        self._ended.wait()

    def result(self) -> State:
        """Wait for the stage; return how it ended. Raises the build's failure."""
        self._ended.wait()
        if self._state is None:
            raise self._build.failure or BuildFailed("the build was stopped")
        return self._state

    def _run(self) -> State:
        state = self._base()
        outer = self._build.scope
        parent = self._build.stage(self._plan.base)._scope if isinstance(self._plan.base, int) else None
        state.scope = outer.stage(state.config.get("Env") or (), parent)
        self._scope = state.scope
        triggers = [parse_trigger(text) for text in state.config.pop("OnBuild", None) or ()]
        instructions = [*triggers, *self._plan.stage.instructions]
        squashes = self._build.options.squashes and self.number == self._build.plan.target
        count = len(instructions) + squashes
        for position, instruction in enumerate(instructions, 1):
            if self._build.failure is not None:
                raise self._build.failure
            self._one(state, instruction, position, count)
        if squashes:
            self._squash(state, count)
        return state

    def _base(self) -> State:
        """Return the state that FROM says."""
        base = self._plan.base
        if isinstance(base, int):
            return self._build.stage(base).result().copy()
        platform = self._platform()
        if base == SCRATCH:
            wanted = platform or platforms.host()
            config = {"WorkingDir": "/", "Env": [run.PATH]}
            image = ImageConfig(wanted.architecture, wanted.os, config, variant=wanted.variant)
            return State(image, None)
        try:
            return _state_of(self._image(base, platform))
        except EstibaError as error:
            word = self._plan.stage.base.image
            raise invalid(
                self._build.plan.recipe.file, [Fault(word.place, error.message, error.hint)]
            ) from error

    def _platform(self) -> platforms.Platform | None:
        """Return what FROM asks for, else what the build does."""
        word = self._plan.stage.base.platform
        if word is None or not self._plan.platform:
            return self._build.options.platform
        try:
            return platforms.parse(self._plan.platform)
        except ReferenceInvalid as error:
            fault = Fault(word.place, error.message, error.hint)
            raise invalid(self._build.plan.recipe.file, [fault]) from error

    def _image(self, name: str, platform: platforms.Platform | None) -> Image:
        resolve_image = self._build.options.resolve
        if resolve_image is not None:
            return resolve_image(self._build.store, name, platform, self._build.go_on)
        store = self._build.store
        named, reference = find(store, name)
        image = Image(store, named, platform=platform, reference=reference)
        return fitting(image, named, name, platform)

    def _one(self, state: State, instruction: Instruction, position: int, count: int) -> None:
        """Do one instruction, and tell of it."""
        recipe = self._build.plan.recipe
        began = time.monotonic()
        self._step = next(self._build.numbers)
        resolved = resolve(instruction, state.scope.variables, recipe)
        text = render(resolved)
        self._build.tell(StepBegun(self._step, self._plan.title, position, count, text))
        verdict, why = Verdict.FAILED, None
        try:
            verdict, why = self._do(state, resolved, text, position)
        except Fault as fault:
            error = invalid(recipe.file, [fault])
            why = fault.message
            raise error from None
        except BuildFailed as error:
            why = error.message
            line = instruction.place.line
            raise self._placed(error, f"{recipe.file}:{line}: {text.splitlines()[0]}") from error
        except EstibaError as error:
            why = error.message
            if isinstance(error, BuildFileInvalid):
                raise
            line = instruction.place.line
            placed = BuildFailed(f"{recipe.file}:{line}: {error.message}", errno=error.errno, hint=error.hint)
            raise placed from error
        finally:
            if verdict is Verdict.FAILED and self._build.is_stopped:
                verdict, why = Verdict.CANCELED, None
            self._build.tell(StepEnded(self._step, verdict, time.monotonic() - began, why))

    def _squash(self, state: State, count: int) -> None:
        """Make one layer of all that lie on the base, and tell of it."""
        from estiba.build.squash import NAME, squash

        began = time.monotonic()
        step = next(self._build.numbers)
        self._build.tell(StepBegun(step, self._plan.title, count, count, NAME))
        verdict, why = Verdict.FAILED, None
        try:
            verdict = squash(self._build, state, self._aside())
        except EstibaError as error:
            why = error.message
            raise
        finally:
            self._build.tell(StepEnded(step, verdict, time.monotonic() - began, why))

    def _placed(self, error: BuildFailed, where: str) -> BuildFailed:
        return BuildFailed(
            f"{where}: {error.message}",
            errno=error.errno,
            hint=error.hint,
            exit_status=error.exit_status,
            last_lines=error.last_lines,
        )

    def _do(
        self, state: State, instruction: Instruction, text: str, position: int
    ) -> tuple[Verdict, str | None]:
        step = self._prepared(state, instruction)
        if isinstance(instruction, Workdir) or step is None:
            metadata.change(state, instruction)
        if step is None:
            state.note(text)
            return Verdict.DONE, None
        step = step._replace(inputs=step.inputs.packed_as(self._build.options))
        why = reason(step.inputs, len(self._noted), self._before)
        self._noted.append(step.inputs)
        # What lies on a layer that was made just now cannot be there, unless it does not matter what it lies on.
        if state.layer is not None and state.layer.is_fresh and not step.inputs.is_alone:
            why = FOLLOWS
        elif not self._build.options.uses_cache:
            why = "the cache is not asked"
        else:
            parent = state.layer.chain_id if state.layer and not step.inputs.is_alone else None
            if (found := self._build.cache.find(step.inputs.key(parent))) is not None:
                self._take(state, found, text)
                return Verdict.CACHED, None
        self._perform(state, step, text)
        return Verdict.DONE, why

    def _prepared(self, state: State, instruction: Instruction) -> Step | None:
        """Return the step of an instruction that may change files."""
        around = self._surroundings()
        if isinstance(instruction, Run):
            return run.prepare(state, instruction, self.number, around)
        if isinstance(instruction, Copy | Add):
            return copy.prepare(state, instruction, self.number, around)
        if isinstance(instruction, Workdir):
            return copy.prepare_workdir(state, instruction)
        return None

    def _take(self, state: State, found: Result, text: str) -> None:
        if found.diff_id is None or found.descriptor is None:
            state.note(text, found.created)
        else:
            state.add_layer(Layer.found(state.layer, found.diff_id, found.descriptor), text, found.created)

    def _perform(self, state: State, step: Step, text: str) -> None:
        """Do a step in a folder of its own, and put what it changed on top."""
        build, below = self._build, state.layer
        place = Place(
            os.path.join(build.aside, str(next(build.folders_made))),
            lambda: [] if step.inputs.is_alone else build.folders(below),
            is_rootless=build.store.is_rootless,
            moving=build.packing.moving,
        )
        try:
            step.perform(place)
        except BuildFailed as error:
            if error.exit_status is not None and error.errno is None:  # else its program was never started
                self._leave_half_built(state, place, text)
            raise
        created = build.now()
        if not place.is_changed:
            state.note(text, created)
            build.packing.keep_unchanged(below, step.inputs, Result(None, None, created), text)
            return
        layer = Layer(below, folder=place.upper)
        build.packing.add(Fresh(layer, (step.inputs,), created, text))
        state.add_layer(layer, text, created)

    def _leave_half_built(self, state: State, place: Place, text: str) -> None:
        """Keep what a failed RUN left, so that people can look at it."""
        left = state.copy()
        if place.is_changed:
            layer = Layer(state.layer, folder=place.upper)
            self._build.packing.add(Fresh(layer, (), self._build.now(), text))
            left.add_layer(layer, text, self._build.now())
        if left.layer is not None:
            self._build.half_built = left

    def _surroundings(self) -> Surroundings:
        build, step = self._build, self._step
        return Surroundings(
            store=build.store,
            options=build.options,
            context=build.context,
            proxies=build.scope.proxies,
            tree_of=self._tree_of,
            id_of=self._id_of,
            root_of=self._root_of,
            aside=self._aside,
            say=lambda line: build.tell(StepOutput(step, line)),
            tell_amount=lambda what, done, total: build.tell(StepProgress(step, what, done, total)),
            go_on=build.go_on,
            containers=build.containers,
        )

    def _source(self, name: str, number: int) -> State:
        """Return what `--from=NAME` means, once it is there."""
        found = self._build.plan.number_of(name, number)
        if found is not None:
            return self._build.stage(found).result()
        return _state_of(self._image(name, self._build.options.platform))

    def _id_of(self, name: str, number: int) -> str:
        layer = self._source(name, number).layer
        return layer.chain_id if layer else ""

    def _tree_of(self, name: str, number: int) -> Tree:
        if name not in self._trees:
            fd = self._root_of(self._source(name, number).layer)
            self._trees[name] = Tree(fd, f'"{name}"', keeps_ids=True)
        return self._trees[name]

    def _root_of(self, layer: Layer | None) -> int:
        """Open the tree that a layer is the top of; the caller closes it."""
        with self._build.packing.moving:
            folders = self._build.folders(layer)
            return snapshots.open_stack([self._aside(), *folders], is_rootless=self._build.store.is_rootless)

    def _aside(self) -> str:
        """Make a folder that goes with the build."""
        folder = os.path.join(self._build.aside, str(next(self._build.folders_made)))
        os.mkdir(folder, 0o755)
        return folder


def _state_of(image: Image) -> State:
    """Return the state of a stage that starts from an image."""
    layer: Layer | None = None
    for diff_id, descriptor in zip(image.config.diff_ids, image.manifest.layers, strict=True):
        layer = Layer.found(layer, diff_id, descriptor)
    return State(image.config, layer)
