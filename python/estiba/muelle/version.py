# SPDX-License-Identifier: Apache-2.0
"""version: what this is, and which formats it speaks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from estiba.tables.version import IMAGE_SPEC, SPEC, VERSION

if TYPE_CHECKING:
    from estiba.muelle.parse import Parsed


def version(parsed: Parsed) -> int:
    """Print the version of muelle, which is estiba's, and those of the specifications. Raises ArgumentInvalid."""
    form = parsed.options.text("format")
    if form in (None, "table"):
        sys.stdout.write(f"muelle version {VERSION}\nruntime-spec: {SPEC}\nimage-spec: {IMAGE_SPEC}\n")
    else:
        from estiba.muelle import output

        output.listing(form, (), [{"version": VERSION, "runtimeSpec": SPEC, "imageSpec": IMAGE_SPEC}])
    return 0
