# SPDX-License-Identifier: Apache-2.0
"""What the global options come to."""

from __future__ import annotations

import os

from estiba.lifecycle.root import state_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from estiba.cli.parse import Parsed
    from estiba.lifecycle.options import CgroupManager


def root(parsed: Parsed) -> str:
    """Return the state root: --root, else what --rootless and the environment say."""
    given = parsed.globals.text("root")
    if given:
        return os.path.abspath(given)
    rootless = parsed.globals.text("rootless")
    return state_root(rootless=None if rootless in (None, "auto") else rootless == "true")


def cgroup_manager(parsed: Parsed) -> CgroupManager:
    """Return who makes the container's cgroup."""
    given = parsed.globals.text("cgroup-manager")
    if given == "disabled":
        return "disabled"
    if given == "systemd" or (given is None and parsed.globals.flag("systemd-cgroup")):
        return "systemd"
    return "cgroupfs"
