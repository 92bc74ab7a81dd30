# SPDX-License-Identifier: Apache-2.0
"""Processes seen from the test: waiting without polling, /proc/PID/status as a dict, namespaces to join.

The tests are the subreaper of all they start, as a shim is. A container's pid namespace ends only when every process
of it has been waited for, so each wait in here also reaps the orphans that came to us, and keeps their exit codes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PR_SET_CHILD_SUBREAPER = 36

PATIENCE = float(os.environ.get("ESTIBA_PATIENCE", "1"))
"""By how much all times to wait are longer: the guest of tests/vm is some ten times slower than its host."""


class TimedOut(AssertionError):
    """Something that must happen did not happen in time."""


_own: set[int] = set()
_codes: dict[int, int] = {}
RT_SIGACTION = 13  # on x86-64
GLIBCS_OWN = (32, 33)

_wakeup = -1


def stop_ignoring() -> None:
    """Let what we start ignore no signal, whoever has started us.

    A shell's background job ignores some, nohup one, and what posix_spawn(3) of glibc has started, as make starts its
    programs, the two that glibc keeps to itself, which no function of glibc changes.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    default = ctypes.create_string_buffer(
        32
    )  # struct sigaction of the kernel: SIG_DFL, no flags, an empty mask
    for own in GLIBCS_OWN:
        if libc.syscall(RT_SIGACTION, own, default, None, 8):
            raise OSError(ctypes.get_errno(), "rt_sigaction")


def become_subreaper() -> None:
    """Make orphaned containers children of this process, and SIGCHLD something that a poll sees."""
    global _wakeup
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    if _wakeup < 0:
        _wakeup, writer = os.pipe()
        os.set_blocking(_wakeup, False)
        os.set_blocking(writer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)


def popen(argv: list[str], **keywords: Any) -> subprocess.Popen[bytes]:
    """Start a child that `reap_orphans` leaves to its owner."""
    child = subprocess.Popen(argv, **keywords)
    _own.add(child.pid)
    return child


def forget(child: subprocess.Popen[bytes]) -> int:
    """Wait for a child of `popen`; what Popen.wait returns."""
    code = child.wait()
    _own.discard(child.pid)
    return code


def reap_orphans() -> None:
    """Wait for every ended child that nobody here started."""
    with contextlib.suppress(BlockingIOError):
        os.read(_wakeup, 4096)
    for name in Path("/proc/thread-self/children").read_text().split():
        if (pid := int(name)) not in _own:
            with contextlib.suppress(ChildProcessError):
                found, code = os.waitpid(pid, os.WNOHANG)
                if found:
                    _codes[pid] = os.waitstatus_to_exitcode(code)


def readable(fd: int, seconds: float) -> bool:
    """Wait until `fd` can be read or its other side is closed, reaping meanwhile; False after `seconds`."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.register(_wakeup, select.POLLIN)
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        ready = {number for number, _ in poll.poll(max(0.0, deadline - time.monotonic()) * 1000)}
        if _wakeup in ready:
            reap_orphans()
        if fd in ready:
            return True
        if time.monotonic() >= deadline:
            return False


def ended(pid: int, seconds: float) -> bool:
    """Wait until the process has ended; False after `seconds`. A process that is no more has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return readable(pidfd, seconds)
    finally:
        os.close(pidfd)


def wait(pid: int, seconds: float = 20.0) -> int:
    """Wait for an orphan that comes to us; its exit code, or 128 + n for signal n."""
    if not ended(pid, seconds):
        raise TimedOut(f"process {pid} still runs after {seconds * PATIENCE} s")
    reap_orphans()
    code = _codes.pop(pid)
    return code if code >= 0 else 128 - code


def children(pid: int) -> list[int]:
    """The children of a process's main thread."""
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def orphans() -> list[int]:
    """The children that came to us when their own parent ended."""
    return [pid for pid in children(os.getpid()) if pid not in _own]


def descendants(pid: int) -> set[int]:
    """The children of a process, their children, and so on; a process that goes meanwhile takes its own with it."""
    parents: dict[int, int] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            parents[int(name)] = int(Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
    found: set[int] = set()
    wanted = {pid}
    while wanted:
        wanted = {child for child, parent in parents.items() if parent in wanted} - found
        found |= wanted
    return found


def is_zombie(pid: int) -> bool:
    """Say whether a process has ended; one that was waited for has too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def status(pid: int | str) -> dict[str, str]:
    """/proc/PID/status as a dict."""
    return parse_status(Path(f"/proc/{pid}/status").read_text())


def parse_status(text: str) -> dict[str, str]:
    """Split lines of `Key:<tab>value` into a dict."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {key: value.strip() for key, value in pairs}


def namespace(pid: int | str, name: str) -> str:
    """The identity of a process's namespace, such as `net:[4026531840]`."""
    return os.readlink(f"/proc/{pid}/ns/{name}")


class Pipe:
    """A pipe whose writing end becomes a process's stdout, read line by line with a time-out."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self._buffer = b""

    def fileno(self) -> int:
        """Name the writing end for subprocess."""
        return self.writer

    def close_writer(self) -> None:
        """Leave the writing end to those who inherited it."""
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1

    def close(self) -> None:
        """Close what is open."""
        self.close_writer()
        if self.reader >= 0:
            os.close(self.reader)
            self.reader = -1

    def readline(self, seconds: float = 20.0) -> str:
        """Read one line, without its newline; "" at the end of file."""
        self.close_writer()
        while b"\n" not in self._buffer:
            if not readable(self.reader, seconds):
                raise TimedOut(f"no line after {seconds * PATIENCE} s; so far {self._buffer!r}")
            data = os.read(self.reader, 4096)
            if not data:
                break
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()


@contextlib.contextmanager
def holder(
    *unshare: str, uid_map: str | None = None, gid_map: str | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[int]:
    """Hold new namespaces (options of unshare(1)) with a sleeping process; yields its pid.

    The maps are written before the process takes any id, so they may be of any shape root can write.
    """
    pipe = Pipe()
    argv = ["setpriv", "--pdeathsig", "KILL", *prefix, "unshare", *unshare]
    if "--pid" in unshare:
        argv += ["--fork", "--kill-child"]
    process = popen([*argv, "sh", "-c", "echo $$; exec sleep 1000"], stdout=pipe)
    try:
        pipe.readline()
        pid = process.pid
        if "--pid" in unshare:
            pid = children(pid)[0]
        if uid_map is not None:
            Path(f"/proc/{pid}/uid_map").write_text(uid_map)
            Path(f"/proc/{pid}/gid_map").write_text(gid_map or uid_map)
        yield pid
    finally:
        if "--pid" in unshare:  # a child that changed its user namespace has lost what --kill-child had set
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        forget(process)
        pipe.close()
