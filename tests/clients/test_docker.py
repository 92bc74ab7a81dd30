# SPDX-License-Identifier: Apache-2.0
"""Docker over the runtime under test."""

from __future__ import annotations

from clients.client import IMAGE
from clients.docker import Docker


def test_run_shows_what_the_program_prints(docker: Docker) -> None:
    assert docker.out("run", "--rm", IMAGE, "echo", "hi") == "hi"
