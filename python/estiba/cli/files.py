# SPDX-License-Identifier: Apache-2.0
"""Read a JSON file that was named on the command line."""

from __future__ import annotations

import sys

from estiba import spec
from estiba.bundle import bounded, read_whole
from estiba.errors import ConfigInvalid, cause

STANDARD_INPUT = "-"


def read(path: str, what: str) -> bytes:
    """Read a file, or standard input for "-". Raises ConfigInvalid."""
    if path == STANDARD_INPUT:
        return bounded(sys.stdin.buffer, "standard input")
    try:
        return read_whole(path)
    except OSError as error:
        message = f'cannot read {what} "{path}": {cause(error.errno)}'
        raise ConfigInvalid(message, errno=error.errno) from None


def read_json(path: str, what: str) -> object:
    """Read a file, or standard input for "-", as JSON. Raises ConfigInvalid with line and column."""
    name = "standard input" if path == STANDARD_INPUT else path
    return spec.parse(read(path, what), name)
