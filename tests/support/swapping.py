# SPDX-License-Identifier: Apache-2.0
"""Two names that are exchanged as fast as one process can, as another container that shares the folder would do it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.processes import forget, popen

_EXCHANGE = """
import ctypes, os, select, sys
one, other = (os.fsencode(path) for path in sys.argv[1:])
libc, count = ctypes.CDLL(None), 0
os.write(1, b"ready\\n")
while not select.select([0], [], [], 0)[0]:
    for _ in range(100):
        libc.renameat2(-100, one, -100, other, 2)  # AT_FDCWD, RENAME_EXCHANGE
        count += 1
os.write(1, b"%d\\n" % count)
"""


@contextlib.contextmanager
def swapping(one: Path, other: Path) -> Iterator[None]:
    """Exchange two names of one file system until the end; an odd or even number of times, nobody knows."""
    argv = [sys.executable, "-I", "-c", _EXCHANGE, str(one), str(other)]
    swapper = popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert swapper.stdin and swapper.stdout
    try:
        assert swapper.stdout.readline() == b"ready\n"
        yield
    finally:
        swapper.stdin.close()
        count = int(swapper.stdout.readline())
        swapper.stdout.close()
        assert forget(swapper) == 0
    assert count > 100, "nobody has swapped anything"
