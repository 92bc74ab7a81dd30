# SPDX-License-Identifier: Apache-2.0
"""The process beside a builder that ends its containers should it be killed: no program of a RUN outlives its build.

    the builder ──fork──► waits for the end of the builder's pidfd ──execve──► python -m estiba.build.watcher ID ROOT
                └─ at its own end it kills the watcher, which has done nothing

A fork costs less than a new interpreter, which only a watcher whose builder was killed needs. Until then it uses
nothing that another thread may have held locked in the moment of the fork.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import suppress

from estiba.build.signals import ENDING

FIRST = 3
"""The first descriptor that is no standard stream."""


class Watcher:
    """The watcher of one build, from its making until it is dismissed."""

    def __init__(self, id: str, root: str) -> None:
        builder = os.pidfd_open(os.getpid())
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _watch(builder, id, root)
            finally:
                os._exit(1)
        os.close(builder)

    def dismiss(self) -> None:
        """End it: the build has ended by itself."""
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)


def _watch(builder: int, id: str, root: str) -> None:
    """Wait for the builder's end, then become the program that cleans up. Holds nothing open that the builder holds."""
    os.setsid()  # what ends the builder's group or terminal is not to end its watcher
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(FIRST):
        os.dup2(nothing, stream)
    os.closerange(FIRST, builder)
    os.closerange(builder + 1, os.sysconf("SC_OPEN_MAX"))
    poll = select.poll()
    poll.register(builder, select.POLLIN)
    poll.poll()
    os.execv(sys.executable, [sys.executable, "-P", "-m", __name__, id, root])


def main(id: str, root: str) -> None:
    """End the containers of a build that was killed."""
    from estiba.build.containers import end

    end(id, root, wait=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
