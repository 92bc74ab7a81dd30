# SPDX-License-Identifier: Apache-2.0
"""containerd over the runtime under test."""

from __future__ import annotations

from clients.containerd import Containerd


def test_run_shows_what_the_program_prints(containerd: Containerd) -> None:
    assert containerd.out(*containerd.run("c", "echo", "hi")) == "hi"
