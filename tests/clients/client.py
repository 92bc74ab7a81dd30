# SPDX-License-Identifier: Apache-2.0
"""A client as a test holds it: how its commands are called in its site, and what may not be left after a test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from clients.site import Site
from support import processes
from support.runtime import Result, Running

IMAGE = "docker.io/library/busybox:test"
SECONDS = 60.0


class Client:
    """One client, ready to be called."""

    def __init__(
        self, site: Site, words: Sequence[str], environ: dict[str, str], state: Sequence[Path]
    ) -> None:
        """`state` are the folders, as the site sees them, under which the runtime keeps its records."""
        self.site, self.words, self.environ = site, list(words), {"PATH": os.environ["PATH"], **environ}
        self._state = [site.inside(str(folder)) for folder in state]
        self._calls = 0

    def argv(self, words: Sequence[str]) -> list[str]:
        """The whole command line of a call, as it is run in the site."""
        return [*self.words, *words]

    def begin(self, *words: str, stdin: int = subprocess.DEVNULL, raw: bool = False) -> Running:
        """Begin a call; `raw` leaves out the client's own words."""
        self._calls += 1
        out, err = (self.site.folder / f"{kind}.{self._calls}" for kind in ("out", "err"))
        argv = [*self.site.enter(), *(words if raw else self.argv(words))]
        with out.open("wb") as out_file, err.open("wb") as err_file:
            child = processes.popen(argv, stdin=stdin, stdout=out_file, stderr=err_file, env=self.environ)
        return Running(argv, child, out, err)

    def call(self, *words: str, seconds: float = SECONDS, stdin: bytes = b"") -> Result:
        """Make a call and wait for its end."""
        if not stdin:
            return self.begin(*words).finish(seconds)
        reader, writer = os.pipe()
        try:
            running = self.begin(*words, stdin=reader)
            os.write(writer, stdin)
        finally:
            os.close(reader)
            os.close(writer)
        return running.finish(seconds)

    def must(self, *words: str, seconds: float = SECONDS, stdin: bytes = b"") -> Result:
        """Make a call that has to succeed."""
        result = self.call(*words, seconds=seconds, stdin=stdin)
        assert result.code == 0, str(result)
        return result

    def out(self, *words: str, seconds: float = SECONDS) -> str:
        """What a call prints that has to succeed, less the end of the last line."""
        return self.must(*words, seconds=seconds).out.rstrip("\n")

    def until(self, wanted: Callable[[str], bool], *words: str, calls: int = 200) -> str:
        """Repeat a call until its output is as wanted; the call itself is what paces this."""
        for _ in range(calls):
            out = self.call(*words).out
            if wanted(out):
                return out
        raise AssertionError(f"{' '.join(words)}: after {calls} calls still {out!r}")

    @contextlib.contextmanager
    def terminal(self, *words: str, size: tuple[int, int]) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
        """A call on a terminal of its own; yields the side that a person would sit at."""
        ours, theirs = os.openpty()
        termios.tcsetwinsize(theirs, size)
        argv = ["setsid", "--ctty", "--wait", *self.site.enter(), *self.argv(words)]
        child = processes.popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=self.environ)
        os.close(theirs)
        try:
            yield ours, child
        finally:
            os.close(ours)
            processes.ended(child.pid, SECONDS)
            processes.forget(child)

    def typed(self, *words: str, lines: str, size: tuple[int, int] = (24, 80)) -> str:
        """Type lines into a call on a terminal, the last of which has to end it, and return what it shows."""
        shown = b""
        with self.terminal(*words, size=size) as (terminal, _):
            os.write(terminal, lines.encode())
            while processes.readable(terminal, SECONDS):
                try:
                    shown += os.read(terminal, 4096)
                except OSError:  # EIO: the other side is closed
                    return shown.decode(errors="replace")
        raise AssertionError(f"{' '.join(words)} does not end; so far {shown!r}")

    def sweep(self) -> None:
        """Remove all containers."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop what the client keeps running."""
        raise NotImplementedError


class Watch:
    """What a client had before a test; what is more after it was left behind."""

    def __init__(self, client: Client) -> None:
        self._client, self._site = client, client.site
        self._processes = self._site.processes()
        self._cgroups, self._mounts = self._site.cgroups(), self._site.mounts()
        self._records = set(records(client))

    def left(self) -> list[str]:
        """Name what was left, once the processes that were ending have had the time to."""
        deadline = time.monotonic() + 10
        while (more := self._site.processes() - self._processes) and time.monotonic() < deadline:
            for pid in more:
                processes.ended(pid, max(0.0, deadline - time.monotonic()))
        return [
            *(f"process {p}: {command_line(p)}" for p in self._site.processes() - self._processes),
            *(f"cgroup {c}" for c in sorted(self._site.cgroups() - self._cgroups)),
            *(f"mount {m}" for m in self._site.mounts() - self._mounts),
            *(f"state record {r}" for r in set(records(self._client)) - self._records),
        ]

    def remove(self) -> None:
        """End what was left, so that the next test starts clean."""
        for pid in self._site.processes() - self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            processes.ended(pid, 5)
        for cgroup in sorted(self._site.cgroups() - self._cgroups, reverse=True):
            with contextlib.suppress(OSError):
                cgroup.rmdir()


def records(client: Client) -> list[Path]:
    """The runtime's records of containers, but for what it keeps of failed starts."""
    found = (path for folder in client._state for path in folder.rglob("state.json"))
    return [path for path in found if not any(part.startswith(".") for part in path.parts)]


def command_line(pid: int) -> str:
    """The words of a process, for people."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return "(gone)"


def wait_for_socket(socket: Path, daemon: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a daemon's socket is there, or say why the daemon ended."""
    while not socket.exists():
        if processes.ended(daemon.pid, 0.05):
            raise RuntimeError(f"{daemon.args!r} ended: {log.read_text(errors='replace')[-2000:]}")
