# SPDX-License-Identifier: Apache-2.0
"""podman over the runtime under test."""

from __future__ import annotations

from clients.client import IMAGE
from clients.podman import Podman


def test_run_shows_what_the_program_prints(podman: Podman) -> None:
    assert podman.out("run", "--rm", IMAGE, "echo", "hi") == "hi"
