# SPDX-License-Identifier: Apache-2.0
"""Where state lives, when nobody says."""

from __future__ import annotations

import os

SYSTEM = "/run/estiba"

OWN_NAMESPACE = "/proc/self/ns/user"
INITIAL_NAMESPACE = "user:[4026531837]"
"""PROC_USER_INIT_INO of linux/proc_ns.h."""


def state_root(*, rootless: bool | None = None) -> str:
    """Return ESTIBA_ROOT if it is set; else /run/estiba, or for a user without privileges $XDG_RUNTIME_DIR/estiba.

    `rootless` says which of the two; by default it is asked of the user id and the user namespace.
    """
    chosen = os.environ.get("ESTIBA_ROOT")
    if chosen:
        return os.path.abspath(chosen)
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if rootless is None:
        rootless = os.geteuid() != 0 or (bool(runtime) and _is_root_in_name_only())
    if not rootless:
        return SYSTEM
    return os.path.join(runtime or f"/run/user/{os.geteuid()}", "estiba")


def _is_root_in_name_only() -> bool:
    """Return whether uid 0 is a user's, in a user namespace as rootless podman makes it.

    USER stays the user's name there. The root of a machine that is itself a user namespace has USER=root: where its
    containers are must not depend on a login's XDG_RUNTIME_DIR. runc tells them apart alike.
    """
    try:
        return os.environ.get("USER") != "root" and os.readlink(OWN_NAMESPACE) != INITIAL_NAMESPACE
    except OSError:
        return False
