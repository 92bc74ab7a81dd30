# SPDX-License-Identifier: Apache-2.0
"""A build from end to end: the plan's stages, each in a thread of its own as soon as what it needs is there.

parse ─► plan ─► [a thread a stage: base ─► step ─► step ...] ─► assemble
                   found in the cache: a layer of the store
                   else performed in a folder of its own ─► packed beside the steps that follow
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, BinaryIO

from estiba.build.assemble import Built, assemble
from estiba.build.cache import Cache
from estiba.build.containers import Containers
from estiba.build.layer import chain
from estiba.build.options import Options
from estiba.build.packing import Packing
from estiba.build.plan import Plan, plan
from estiba.build.progress import BuildDoubted, BuildEnded, Event, Progress
from estiba.build.recipe import Scope, parse
from estiba.build.recipe.scope import platform_arguments
from estiba.build.signals import held
from estiba.build.source import Source, from_folder
from estiba.build.stage import StageRun
from estiba.build.state import State
from estiba.errors import BuildFailed, EstibaError
from estiba.images import platform as platforms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from estiba.build.layer import Layer
    from estiba.build.recipe import Recipe
    from estiba.images import Store


def build(
    store: Store,
    context: str | os.PathLike[str] | BinaryIO,
    *,
    file: str | os.PathLike[str] | None = None,
    text: str | bytes | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
) -> Built:
    """Build an image from a folder and its Containerfile.

    `file` is the Containerfile, by default the context's own; `text` is one that is no file, beside a folder. A context
    that is a stream is read to its end: a Containerfile alone, or an archive (tar, also by gzip, zstd, bzip2 or xz)
    with one in it, `file` then being a path in the archive. Events go to `progress`, from several threads.

    Raises BuildFileInvalid, BuildFailed, ImageError, StoreError, KernelRefused.
    """
    begun = time.monotonic()
    given = options or Options()
    with ExitStack() as stack:
        stack.enter_context(store.using())
        aside = stack.enter_context(store.tmp())
        if isinstance(context, (str, os.PathLike)):
            source = from_folder(os.fspath(context), file, text)
        else:
            from estiba.build.stream import from_stream

            source = from_stream(context, file, aside)
        stack.enter_context(source.tree)
        recipe = parse(source.text, source.file)
        host = str(platforms.host())
        scope = Scope(recipe, given.arguments, platform_arguments(host, str(given.platform or host)))
        planned = plan(recipe, scope, given.target)
        running = Build(store, planned, scope, source, given, progress or _quiet, aside)
        stack.enter_context(running.containers)
        for doubted in _doubted(recipe, scope):
            running.tell(doubted)
        state = running.run()
        made = assemble(store, state, given.labels, given.names)
    running.tell(BuildEnded(made.digest, made.names, time.monotonic() - begun, made.size))
    return made


def _doubted(recipe: Recipe, scope: Scope) -> Iterator[BuildDoubted]:
    for warned in recipe.warnings:
        line, column = warned.place
        yield BuildDoubted(f"{recipe.file}:{line}:{column}: {warned.message}", warned.hint)
    for name in scope.unused():
        yield BuildDoubted(f"--build-arg {name}: no ARG of {recipe.file} asks for it")


def _quiet(_: Event) -> None:
    """Tell nobody."""


class Build:
    """One build: what its stages share."""

    def __init__(
        self,
        store: Store,
        planned: Plan,
        scope: Scope,
        source: Source,
        options: Options,
        progress: Progress,
        aside: str,
    ) -> None:
        self.store, self.plan, self.scope = store, planned, scope
        self.context, self.place = source.tree, source.place
        self.options, self.aside = options, aside
        self.cache = Cache(store)
        self.packing = Packing(store, options)
        self.containers = Containers()
        self.numbers = itertools.count(1)
        """Of steps."""
        self.folders_made = itertools.count(1)
        self.failure: BaseException | None = None
        """The first; the other stages stop at their next step."""
        self.is_stopped = False
        """Whether it was interrupted."""
        self.half_built: State | None = None
        """What a failed RUN left."""
        self._progress = progress
        self._lock = threading.Lock()
        self._stages: dict[int, StageRun] = {}
        self._folders: dict[str, list[str]] = {}

    def tell(self, event: Event) -> None:
        """Tell of an event."""
        self._progress(event)

    def run(self) -> State:
        """Build all stages that are needed; return the target's state. Raises the first failure."""
        self._stages = {number: StageRun(self, each) for number, each in self.plan.stages.items()}
        others = [run for number, run in self._stages.items() if number != self.plan.target]
        threads = [threading.Thread(target=run.run, name=f"estiba-stage-{run.number}") for run in others]
        # The target runs in a thread, too: a thread's own mounts are not to become the caller's.
        threads.append(threading.Thread(target=self._stages[self.plan.target].run, name="estiba-target"))
        with held():
            self.packing.start()
            for thread in threads:
                thread.start()
        # Not by `join`, which takes a thread for ended when it is interrupted.
        for stage in self._stages.values():
            self._through(stage.wait)
        for thread in threads:
            self._through(thread.join)
        self._through(self.packing.finish)
        if self.failure is not None:
            self._say_how_to_enter()
            raise self.failure
        return self._stages[self.plan.target].result()

    def _through(self, wait: Callable[[], None]) -> None:
        """Wait to the end; an error is a failure of the build, and so is Ctrl-C, which ends what runs."""
        while True:
            try:
                return wait()
            except Exception as error:  # noqa: BLE001 - `run` raises it
                return self.fail(error)
            except BaseException as error:  # noqa: BLE001 - `run` raises it
                self.fail(error)
                self.is_stopped = True
                self.containers.stop()
                self.packing.abandon(error)

    def go_on(self) -> None:
        """Raise what interrupted the build, in a thread that would go on with something long."""
        if self.is_stopped and self.failure is not None:
            raise self.failure

    def _say_how_to_enter(self) -> None:
        """Make an image without a name of what a failed RUN left."""
        if isinstance(self.failure, BuildFailed) and self.half_built is not None:
            try:
                left = assemble(self.store, self.half_built, {}, ())
            except EstibaError as error:
                self.failure.hint = f"what this step has left could not be kept: {error.message}"
                return
            shown = left.digest.removeprefix("sha256:")[:12]
            self.failure.hint = f"`muelle run -it --rm {shown} sh` enters what this step has left"

    def fail(self, error: BaseException) -> None:
        """Note a failure; the first one counts."""
        with self._lock:
            self.failure = self.failure or error

    def stage(self, number: int) -> StageRun:
        """Return a stage of this build."""
        return self._stages[number]

    def folders(self, layer: Layer | None) -> list[str]:
        """Return where a layer and those below it are, bottom first. Called while `packing.moving` is held.

        Fresh layers lie above those that were found, which are unpacked here if they are not yet. One that was found
        above a fresh one, as only COPY --link can be, is unpacked for this build alone.
        """
        layers = chain(layer)
        count = next((at for at, each in enumerate(layers) if each.folder is not None), len(layers))
        for each in layers[count:]:
            each.folder = each.folder or self._unpacked_aside(each)
        fresh = [each.folder or "" for each in layers[count:]]
        return [*(self._unpacked(layers[:count]) if count else ()), *fresh]

    def _unpacked_aside(self, layer: Layer) -> str:
        from estiba.images.unpack import unpack_layer

        folder = os.path.join(self.aside, str(next(self.folders_made)))
        os.mkdir(folder, 0o755)
        source = self.store.blobs.open(layer.descriptor.digest)
        target = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            unpack_layer(
                source,
                target,
                digest=layer.descriptor.digest,
                size=layer.descriptor.size,
                diff_id=layer.diff_id,
                rootless=self.store.is_rootless,
            )
        finally:
            os.close(target)
            os.close(source)
        return folder

    def _unpacked(self, layers: Sequence[Layer]) -> list[str]:
        top = layers[-1].chain_id
        if top not in self._folders:
            stack = ((each.diff_id, each.descriptor) for each in layers)
            self._folders[top] = self.store.layers.ensure(stack)
        return self._folders[top]

    def now(self) -> str:
        """Return the time as images have it; SOURCE_DATE_EPOCH stands for every one."""
        from datetime import UTC, datetime

        moment = time.time() if self.options.epoch is None else self.options.epoch
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
