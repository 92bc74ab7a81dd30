# SPDX-License-Identifier: Apache-2.0
"""Whether this is a user without privileges: it decides where state and images live."""

from __future__ import annotations

import os

OWN_NAMESPACE = "/proc/self/ns/user"
INITIAL_NAMESPACE = "user:[4026531837]"
"""PROC_USER_INIT_INO of linux/proc_ns.h."""


def is_rootless() -> bool:
    """Return whether there is no root here, or one in name only."""
    return os.geteuid() != 0 or (bool(os.environ.get("XDG_RUNTIME_DIR")) and _is_root_in_name_only())


def _is_root_in_name_only() -> bool:
    """Return whether uid 0 is a user's, in a user namespace as rootless podman makes it.

    USER stays the user's name there. The root of a machine that is itself a user namespace has USER=root: where its
    containers are must not depend on a login's XDG_RUNTIME_DIR. runc tells them apart alike.
    """
    try:
        return os.environ.get("USER") != "root" and os.readlink(OWN_NAMESPACE) != INITIAL_NAMESPACE
    except OSError:
        return False
