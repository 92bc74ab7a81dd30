# SPDX-License-Identifier: Apache-2.0
"""Unpack or pack one layer by the library: what images.py starts, so that the interpreter's start is in the figure.

python benches/layer.py unpack FILE FOLDER
python benches/layer.py pack FOLDER FILE gzip|zstd
"""

from __future__ import annotations

import os
import sys
from typing import Literal

from estiba.images.pack import pack_layer
from estiba.images.unpack import unpack_layer


def main() -> int:
    """Do one of the two."""
    verb, source, target, *compression = sys.argv[1:]
    read = os.open(source, os.O_RDONLY)
    if verb == "unpack":
        os.mkdir(target, 0o755)
        unpack_layer(read, os.open(target, os.O_RDONLY | os.O_DIRECTORY), form="plain")
    else:
        out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        kind: Literal["gzip", "zstd"] = "zstd" if compression == ["zstd"] else "gzip"
        pack_layer(read, out, source="tree", compression=kind)
    return 0


if __name__ == "__main__":
    sys.exit(main())
