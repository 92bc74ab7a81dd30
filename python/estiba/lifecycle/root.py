# SPDX-License-Identifier: Apache-2.0
"""Where state lives, when nobody says."""

from __future__ import annotations

import os

SYSTEM = "/run/estiba"


def state_root(*, rootless: bool | None = None) -> str:
    """Return ESTIBA_ROOT if it is set; else /run/estiba, or for a user without privileges $XDG_RUNTIME_DIR/estiba.

    `rootless` says which of the two; by default it is asked of the user id.
    """
    chosen = os.environ.get("ESTIBA_ROOT")
    if chosen:
        return os.path.abspath(chosen)
    if rootless is None:
        rootless = os.geteuid() != 0
    if not rootless:
        return SYSTEM
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    return os.path.join(runtime, "estiba")
