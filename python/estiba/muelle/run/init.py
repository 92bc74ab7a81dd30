# SPDX-License-Identifier: Apache-2.0
"""--init: a small first process of the host's that reaps orphans and hands signals on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from estiba.errors import ArgumentInvalid

if TYPE_CHECKING:
    from estiba.muelle.parse import Options

PROGRAMS = (
    "/usr/libexec/podman/catatonit",
    "/usr/bin/catatonit",
    "/usr/bin/tini-static",
    "/usr/sbin/docker-init",
    "/usr/bin/docker-init",
    "/usr/local/bin/docker-init",
)
"""Where Debian and Docker put them; only such as are linked statically, for the image may have no loader."""


def init_program(options: Options) -> str | None:
    """Return the program that --init asks for; None where nobody asks. Raises ArgumentInvalid if the host has none."""
    if not options.flag("init"):
        return None
    for path in PROGRAMS:
        if os.access(path, os.X_OK):
            return path
    raise ArgumentInvalid("--init: this host has no small init", hint="Debian's package catatonit has one")
