# SPDX-License-Identifier: Apache-2.0
"""version: what this is, and which formats it speaks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from estiba.tables.version import IMAGE_SPEC, SPEC, VERSION

if TYPE_CHECKING:
    from estiba.muelle.parse import Parsed


def version(parsed: Parsed) -> int:
    """Print the version of muelle, which is estiba's, and those of the specifications."""
    if parsed.options.text("format") == "json":
        import json

        said = {"version": VERSION, "runtimeSpec": SPEC, "imageSpec": IMAGE_SPEC}
        sys.stdout.write(json.dumps(said) + "\n")
    else:
        sys.stdout.write(f"muelle version {VERSION}\nruntime-spec: {SPEC}\nimage-spec: {IMAGE_SPEC}\n")
    return 0
