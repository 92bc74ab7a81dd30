# SPDX-License-Identifier: Apache-2.0
"""Where state lives, when nobody says."""

from __future__ import annotations

import os

from estiba.rootless import is_rootless

SYSTEM = "/run/estiba"


def state_root(*, rootless: bool | None = None) -> str:
    """Return ESTIBA_ROOT if it is set; else /run/estiba, or for a user without privileges $XDG_RUNTIME_DIR/estiba.

    `rootless` says which of the two; by default it is asked of the user id and the user namespace.
    """
    chosen = os.environ.get("ESTIBA_ROOT")
    if chosen:
        return os.path.abspath(chosen)
    if not (is_rootless() if rootless is None else rootless):
        return SYSTEM
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return os.path.abspath(os.path.join(runtime or f"/run/user/{os.geteuid()}", "estiba"))
