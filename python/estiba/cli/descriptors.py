# SPDX-License-Identifier: Apache-2.0
"""Standard descriptors that the caller left closed become /dev/null.

Else the next file that is opened takes their number, and a container would be given it as its stdio.
"""

from __future__ import annotations

import os
import sys

STANDARD = 3


def fill() -> None:
    """Open what is closed of 0, 1 and 2, and give Python its streams back."""
    opened = os.open(os.devnull, os.O_RDWR)
    if opened >= STANDARD:
        os.close(opened)
        return
    while opened < STANDARD:
        # They are the container's as well as ours.
        os.set_inheritable(opened, True)
        opened = os.open(os.devnull, os.O_RDWR)
    os.close(opened)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8", closefd=False)
