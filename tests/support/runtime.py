# SPDX-License-Identifier: Apache-2.0
"""The runtime under test as a command: which one, how it is called, and a container as a test holds it.

ESTIBA_DOOR=native (default) or python chooses the door; ESTIBA_RUNTIME=/path/to/runc puts a reference runtime in
its place, to see whether the tests themselves are right.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pytest

from support import processes
from support.bundles import Bundle
from support.views import View

SECONDS = 20.0
"""How long any call may take; far more than one needs on a slow machine."""

MARKER = "ESTIBA_TEST"
"""Every process of a test has this variable, the runtime's and the container's, so that none is missed."""


class HasFileno(Protocol):
    """A file or a Pipe."""

    def fileno(self) -> int:
        """The descriptor."""


def reference() -> str | None:
    """The name of the reference runtime under test, or None when it is estiba."""
    path = os.environ.get("ESTIBA_RUNTIME")
    return Path(path).name if path else None


def command() -> list[str]:
    """The words that call the runtime under test."""
    if path := os.environ.get("ESTIBA_RUNTIME"):
        return [path]
    door = os.environ.get("ESTIBA_DOOR", "native")
    if door == "python":
        return [sys.executable, "-I", "-m", "estiba"]
    if door != "native":
        raise ValueError(f'ESTIBA_DOOR="{door}" is neither native nor python')
    beside = Path(sys.executable).with_name("estiba")
    found = str(beside) if beside.exists() else shutil.which("estiba")
    if found is None:
        raise FileNotFoundError(f"no command estiba beside {sys.executable} or on PATH: pip install . first")
    return [found]


class Result(NamedTuple):
    """One finished call."""

    argv: list[str]
    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"{' '.join(self.argv)}\nexit {self.code}\nstdout: {self.out}\nstderr: {self.err}"


class Running:
    """A call that still runs."""

    def __init__(self, argv: list[str], process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.argv, self.process, self._out, self._err = argv, process, out, err

    @property
    def out(self) -> str:
        """What was written to stdout so far."""
        return self._out.read_text(errors="replace")

    @property
    def err(self) -> str:
        """What was written to stderr so far."""
        return self._err.read_text(errors="replace")

    def finish(self, seconds: float = SECONDS) -> Result:
        """Wait for the end; a call that takes too long is killed and fails the test."""
        late = not processes.ended(self.process.pid, seconds)
        if late:
            self.process.kill()
        code = processes.forget(self.process)
        result = Result(self.argv, code if code >= 0 else 128 - code, self.out, self.err)
        if late:
            pytest.fail(f"no end after {seconds * processes.PATIENCE} s: {result}")
        return result


class Container:
    """A created container: its pid, and the verbs on it that must succeed."""

    def __init__(self, runtime: Runtime, bundle: Bundle, pid: int, created: Running) -> None:
        self.runtime, self.bundle, self.pid = runtime, bundle, pid
        self._created = created

    @property
    def id(self) -> str:
        """The container's id."""
        return self.bundle.id

    def start(self) -> Container:
        """Start it."""
        self.runtime.must("start", self.id)
        return self

    def state(self) -> dict[str, Any]:
        """The OCI state."""
        loaded: dict[str, Any] = json.loads(self.runtime.must("state", self.id).out)
        return loaded

    def status(self) -> str:
        """The status word."""
        return str(self.state()["status"])

    def kill(self, signal_: str | int = "KILL") -> None:
        """Send a signal to init."""
        self.runtime.must("kill", self.id, str(signal_))

    def wait(self, seconds: float = SECONDS) -> int:
        """Wait for the end of init; its exit code, or 128 + n."""
        return processes.wait(self.pid, seconds)

    def exec(self, *argv: str, flags: Sequence[str] = (), **keywords: Any) -> Result:
        """Run a program inside and wait for it."""
        return self.runtime.call("exec", *flags, self.id, *argv, **keywords)

    def delete(self) -> None:
        """Kill it if it still runs, and delete it."""
        self.runtime.must("delete", "--force", self.id)

    @property
    def out(self) -> str:
        """What it wrote to its stdout so far."""
        return self._created.out

    @property
    def err(self) -> str:
        """What it wrote to its stderr so far."""
        return self._created.err


class Runtime:
    """The runtime under test with a state root of its own, in one view."""

    def __init__(self, folder: Path, root: Path, view: View, marker: str, words: Sequence[str] = ()) -> None:
        self.folder, self.root, self.view, self.marker = folder, root, view, marker
        self.words = list(words) or command()
        self.prefix: list[str] = []
        self.environ: dict[str, str] = {}
        self._calls = 0

    def argv(self, *arguments: str, cwd: Path | None = None, bare: bool = False) -> list[str]:
        """The whole command line of a call; `bare` leaves out --root."""
        root = [] if bare else ["--root", str(self.root)]
        return [*self.view.enter(cwd), *self.prefix, *self.words, *root, *arguments]

    def spawn(
        self,
        *arguments: str,
        stdin: HasFileno | int = subprocess.DEVNULL,
        stdout: HasFileno | int | None = None,
        stderr: HasFileno | int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
        bare: bool = False,
    ) -> Running:
        """Begin a call. What it prints goes to files, since a container outlives `create` and would hold a pipe."""
        self._calls += 1
        out, err = self.folder / f"out.{self._calls}", self.folder / f"err.{self._calls}"
        argv = self.argv(*arguments, cwd=cwd, bare=bare)
        environ = {"PATH": os.environ["PATH"], MARKER: self.marker, **self.environ, **(env or {})}
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = processes.popen(
                argv,
                stdin=stdin,
                stdout=out_file if stdout is None else stdout,
                stderr=err_file if stderr is None else stderr,
                env=environ,
                cwd=cwd or "/",
                pass_fds=pass_fds,
            )
        return Running(argv, process, out, err)

    def call(self, *arguments: str, seconds: float = SECONDS, **keywords: Any) -> Result:
        """Make a call and wait for its end."""
        return self.spawn(*arguments, **keywords).finish(seconds)

    def must(self, *arguments: str, **keywords: Any) -> Result:
        """Make a call that has to succeed."""
        result = self.call(*arguments, **keywords)
        assert result.code == 0, str(result)
        return result

    def run(self, bundle: Bundle, *flags: str, **keywords: Any) -> Result:
        """`run` in the foreground."""
        return self.call("run", "--bundle", str(bundle.path), *flags, bundle.id, **keywords)

    def output(self, bundle: Bundle, *flags: str, **keywords: Any) -> str:
        """What the bundle's program prints; it has to exit with 0."""
        result = self.run(bundle, *flags, **keywords)
        assert result.code == 0, str(result)
        return result.out

    def create(self, bundle: Bundle, *flags: str, **keywords: Any) -> Container:
        """`create`, which has to succeed."""
        pid_file = self.root.parent / f"pid.{bundle.id}"
        running = self.spawn(
            "create", "--bundle", str(bundle.path), "--pid-file", str(pid_file), *flags, bundle.id, **keywords
        )
        result = running.finish()
        assert result.code == 0, str(result)
        return Container(self, bundle, int(pid_file.read_text()), running)

    def start(self, bundle: Bundle, *flags: str, **keywords: Any) -> Container:
        """`create` and `start`, which have to succeed."""
        return self.create(bundle, *flags, **keywords).start()


def prepare(runtime: Runtime, *commands: str) -> None:
    """Let each call of the runtime be made after `commands`, in a mount namespace of its own."""
    script = " && ".join([*commands, 'exec "$@"'])
    runtime.prefix = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        script,
        "sh",
        *runtime.prefix,
    ]


def become(uid: int) -> list[str]:
    """The words that make the command after them run as an unprivileged user without capabilities."""
    return ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--inh-caps=-all"]


def signal_number(name: str) -> int:
    """The number of a signal by its name without SIG."""
    return int(signal.Signals[f"SIG{name}"])
