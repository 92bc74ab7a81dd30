# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the tests of trees and builds: after each, nothing of it may be left on the host."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import leftovers, processes, views


@pytest.fixture(autouse=True)
def nothing_is_left(folder: Path) -> Iterator[None]:
    """Fail a test after which a mount, process, cgroup or descriptor is there that was not before."""
    before = leftovers.Before([views.View("hybrid", hold=False)])
    watched = (before, f"build-{folder.name}", f"/estiba-build-{os.getpid()}", f"estiba-build-{os.getpid()}-")
    yield
    processes.reap_orphans()
    if left := leftovers.find(*watched, folder / "state"):
        leftovers.remove(*watched, folder / "state")
        pytest.fail("left behind:\n  " + "\n  ".join(left))
