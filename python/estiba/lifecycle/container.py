# SPDX-License-Identifier: Apache-2.0
"""A container as an object: typed calls over the engine, no other program started."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from estiba import _core
from estiba.errors import ArgumentInvalid, ContainerNotFound, EstibaWarning, WrongState
from estiba.lifecycle import children
from estiba.lifecycle.events import Event, events, events_async
from estiba.lifecycle.exec_process import config_of, exec_process
from estiba.lifecycle.judged_bundle import judged_bundle
from estiba.lifecycle.options import count_of_descriptors, descriptors, path_or_none
from estiba.lifecycle.proof import judged_process, judged_resources
from estiba.lifecycle.root import state_root
from estiba.lifecycle.signal_number import signal_number
from estiba.lifecycle.waiting import deadline

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Self, Unpack

    from estiba.bundle import Bundle
    from estiba.lifecycle.options import CreateOptions, Stdio


class State(NamedTuple):
    """What the OCI calls the state of a container."""

    id: str
    status: str
    """creating, created, running, paused or stopped."""
    pid: int
    """Init's process id; 0 once it has ended."""
    bundle: str
    annotations: dict[str, str]


class Container:
    """One container of a state root.

    Use it in a `with`, or on an asyncio loop in an `async with`: leaving it kills and deletes what is still there.
    To look at a container that somebody else has made, name it: `Container("web")`. Only who created one can wait
    for it.

    What may take long waits on the loop by pidfds: run_async, wait_async, events_async and leaving the `async with`.
    The other calls are the same on a loop; they take milliseconds, and as long as the hooks that they run.
    """

    def __init__(self, id: str, *, root: str | None = None) -> None:
        self.id = id
        self.root = state_root() if root is None else os.path.abspath(root)
        self._init: _core.Process | None = None

    def __repr__(self) -> str:
        return f"Container({self.id!r}, root={self.root!r})"

    @classmethod
    def create(
        cls,
        id: str,
        bundle: Bundle | str | os.PathLike[str],
        *,
        root: str | None = None,
        **options: Unpack[CreateOptions],
    ) -> Self:
        """Create a container that waits for `start`; `options` are those of CreateOptions.

        Raises ConfigInvalid with every problem of the config, ContainerExists, KernelRefused and what else create
        can meet (see estiba.errors).
        """
        return cls._make(id, bundle, root=root, **options)

    @classmethod
    def _make(
        cls, id: str, bundle: Bundle | str | os.PathLike[str], *, root: str | None, **options: Any
    ) -> Self:
        """Judge the config, unless the engine proves it, and create."""
        container = cls(id, root=root)
        count_of_descriptors(options.get("preserve_fds", 0))
        options["stdio"] = descriptors(options.get("stdio"))
        for name in ("pid_file", "console_socket"):
            options[name] = path_or_none(options.get(name))
        made = judged_bundle(bundle, root=container.root, id=id)
        container._init = _core.create(
            root=container.root,
            id=id,
            bundle=os.fspath(made),
            config=made.text,
            config_file=made.config_file,
            **options,
        )
        children.forget(container.root, id)  # those of a container that somebody else has deleted
        children.adopt(container.root, id, container._init)
        try:
            _warn(container._init.warnings, level=4)
        except EstibaWarning:  # where the caller has made errors of warnings
            container.delete(force=True)
            raise
        return container

    @classmethod
    def run(
        cls,
        id: str,
        bundle: Bundle | str | os.PathLike[str],
        *,
        root: str | None = None,
        timeout: float | None = None,
        **options: Unpack[CreateOptions],
    ) -> int:
        """Create without a gate, wait and delete; return the exit code, 128 + n for signal n.

        The options are those of `create`; after `timeout` seconds the container is killed. Raises TimeoutError then,
        and what `create`, `start` and `wait` raise.
        """
        deadline(timeout)
        with cls._make(id, bundle, root=root, gate=False, **options) as container:
            return container.wait(timeout)

    @classmethod
    async def run_async(
        cls,
        id: str,
        bundle: Bundle | str | os.PathLike[str],
        *,
        root: str | None = None,
        **options: Unpack[CreateOptions],
    ) -> int:
        """Do what `run` does on the running asyncio loop; cancelling it kills and deletes the container.

        For a time-out there is asyncio.timeout.
        """
        async with cls._make(id, bundle, root=root, gate=False, **options) as container:
            return await container.wait_async()

    @classmethod
    def launch(
        cls,
        id: str,
        bundle: Bundle | str | os.PathLike[str],
        *,
        root: str | None = None,
        **options: Unpack[CreateOptions],
    ) -> Self:
        """Create without a gate: the program runs at once. The options and the errors are those of `run`."""
        return cls._make(id, bundle, root=root, gate=False, **options)

    def start(self) -> None:
        """Run the program of a created container."""
        _core.start(root=self.root, id=self.id)

    def state(self) -> State:
        """Return the OCI state. Raises ContainerNotFound."""
        state = json.loads(_core.state(root=self.root, id=self.id))
        return State(
            id=state["id"],
            status=state["status"],
            pid=state.get("pid", 0),
            bundle=state["bundle"],
            annotations=state.get("annotations") or {},
        )

    @property
    def status(self) -> str:
        """creating, created, running, paused or stopped."""
        return self.state().status

    @property
    def init(self) -> _core.Process:
        """The init process, for who created the container. Raises WrongState for others.

        Its own `wait` does not reap what `exec` has started, without which init cannot end: use that of Container.
        """
        if self._init is None:
            hint = "only the process that created a container can wait for its end"
            raise WrongState(f'container "{self.id}" was not created here', hint=hint, id=self.id)
        return self._init

    def wait(self, timeout: float | None = None) -> int:
        """Wait for init's end; return 0..255, or 128 + n for signal n. May be called again, after `delete` too.

        `timeout` is in seconds. Raises TimeoutError, and ArgumentInvalid for a negative one.
        """
        if own := children.of(self.root, self.id):
            own.wait(self.init, timeout)
        return self.init.wait()

    async def wait_async(self) -> int:
        """Wait for init's end on the running asyncio loop. Cancelling it leaves the container as it is."""
        if own := children.of(self.root, self.id):
            await own.wait_async(self.init)
        return self.init.wait()

    def exec(
        self,
        args: Sequence[str | os.PathLike[str]] = (),
        *,
        process: Mapping[str, Any] | None = None,
        env: Sequence[str] | Mapping[str, str] = (),
        cwd: str | os.PathLike[str] | None = None,
        user: str | int | None = None,
        additional_gids: Sequence[int] = (),
        capabilities: Sequence[str] = (),
        stdio: Stdio | None = None,
        preserve_fds: int = 0,
        cgroup: str | None = None,
        ignore_paused: bool = False,
    ) -> _core.Process:
        """Start a further program: `args` in the container's own process settings, or a whole OCI `process`.

        `env` ("NAME=VALUE" each, or a mapping), `additional_gids` and `capabilities` add to these settings; `cwd` and
        `user` (a uid, "UID" or "UID:GID") replace them. A whole process says all of this itself: with one, they raise
        ArgumentInvalid. `stdio` are the files that become 0, 1 and 2; by default the caller's own.
        `estiba.lifecycle.wait` waits for what is returned with a time-out, `wait_async` on an asyncio loop.
        """
        if isinstance(env, Mapping):
            env = [f"{name}={value}" for name, value in env.items()]
        changes: dict[str, Any] = {
            "env": env,
            "cwd": path_or_none(cwd),
            "user": str(user) if isinstance(user, int) else user,
            "additional_gids": additional_gids,
            "capabilities": capabilities,
        }
        for name, words in (("args", args), ("env", env), ("capabilities", capabilities)):
            if isinstance(words, str):  # a sequence of strings, too: one for each letter
                raise ArgumentInvalid(
                    f"exec: {name} is the string {words!r}, expected a list of strings",
                    hint="split it where a shell would, as shlex.split does",
                )
        if process is None:
            program: list[Any] = [os.fspath(word) if isinstance(word, os.PathLike) else word for word in args]
            process = exec_process(config_of(self.root, self.id), program, **changes)
        elif said := [name for name, value in {"args": args, **changes}.items() if value or value == ""]:
            raise ArgumentInvalid(
                f"exec: process and {', '.join(said)} exclude each other",
                hint="write it all into the process object",
            )
        entered = _core.exec(
            root=self.root,
            id=self.id,
            process=judged_process(process, "process.json"),
            preserve_fds=count_of_descriptors(preserve_fds),
            cgroup=cgroup,
            ignore_paused=ignore_paused,
            stdio=descriptors(stdio),
        )
        children.adopt(self.root, self.id, entered)
        try:
            _warn(entered.warnings)
        except EstibaWarning:  # as in _make: what is refused does not run on
            entered.kill(signal_number("KILL"))
            raise
        return entered

    def kill(self, signal: int | str = "TERM", *, all: bool = False) -> None:
        """Send a signal to init, or with `all` to every process of the container."""
        _core.kill(root=self.root, id=self.id, signal=signal_number(signal), all=all)

    def pause(self) -> None:
        """Freeze all processes."""
        _core.pause(root=self.root, id=self.id)

    def resume(self) -> None:
        """Let them go on."""
        _core.resume(root=self.root, id=self.id)

    def processes(self) -> list[int]:
        """Return the process ids in the container, as the caller sees them.

        Raises ContainerNotFound, and HostUnsupported for one that lives without a cgroup.
        """
        return _core.processes(root=self.root, id=self.id)

    def stats(self) -> dict[str, Any]:
        """Return the counters of the container's cgroup, by controller."""
        stats: dict[str, Any] = json.loads(_core.stats(root=self.root, id=self.id))
        return stats

    def events(self, interval: float = 5.0) -> Iterator[Event]:
        """Tell of counters each `interval` seconds, and of kills for want of memory, until the container ends."""
        return events(self.root, self.id, interval)

    def events_async(self, interval: float = 5.0) -> AsyncIterator[Event]:
        """The same on the running asyncio loop."""
        return events_async(self.root, self.id, interval)

    def update(self, resources: Mapping[str, Any]) -> None:
        """Change limits: an OCI linux.resources object. Raises ConfigInvalid with every problem."""
        _core.update(root=self.root, id=self.id, resources=judged_resources(resources, "resources"))

    def delete(self, *, force: bool = False) -> None:
        """Remove a stopped container; with `force` kill it first, and be content when it is gone.

        A poststop hook that fails is an EstibaWarning: the container is gone all the same.
        """
        if force:
            children.kill(self.root, self.id, self._init)
        failed = _core.delete(root=self.root, id=self.id, force=force)
        children.forget(self.root, self.id)
        if self._init is not None:
            self._init.close()  # which keeps its exit code
        _warn(failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.delete(force=True)
        except ContainerNotFound:
            pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await children.kill_async(self.root, self.id)
        finally:  # a task may be cancelled once more
            self.__exit__(kind, error, trace)


def _warn(messages: Iterable[str], level: int = 3) -> None:
    """Warn at the line that called the method, which is `level` frames up."""
    for message in messages:
        warnings.warn(message, EstibaWarning, stacklevel=level)
