# SPDX-License-Identifier: Apache-2.0
"""The command `muelle`, also as `python -m estiba.muelle`."""

from __future__ import annotations

import sys


def command() -> int:
    """Do what the command line says; return the exit code."""
    from estiba.muelle.main import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(command())
