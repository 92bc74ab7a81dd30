# SPDX-License-Identifier: Apache-2.0
"""spec: write a default config.json."""

from __future__ import annotations

import json
import os
from errno import ENOENT

from estiba.errors import ConfigInvalid, cause
from estiba.spec.default import default_config

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import FileIO

    from estiba.cli.parse import Parsed


def spec(parsed: Parsed) -> int:
    """Write config.json into the bundle, or --config; never over a file that is there."""
    rootless = parsed.options.flag("rootless")
    config = default_config(rootless=rootless, uid=os.geteuid(), gid=os.getegid())
    bundle = parsed.options.text("bundle") or ""
    path = parsed.options.text("config") or os.path.join(bundle, "config.json")
    text = json.dumps(config, indent="\t", ensure_ascii=False) + "\n"
    try:
        with open(path, "xb", buffering=0) as file:
            write_whole(file, text.encode(), path)
    except FileExistsError:
        raise ConfigInvalid(
            f'"{path}" is there already', hint="remove it first, or name another folder"
        ) from None
    except OSError as error:
        message = f'cannot write "{path}": {cause(error.errno)}'
        hint = "--bundle names a folder that is there" if error.errno == ENOENT else None
        raise ConfigInvalid(message, errno=error.errno, hint=hint) from None
    return 0


def write_whole(file: FileIO, text: bytes, path: str) -> None:
    """Write all of it, or leave no file. Raises OSError."""
    try:
        while text:
            text = text[file.write(text) :]
    except OSError:
        os.unlink(path)
        raise
