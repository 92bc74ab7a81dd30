# SPDX-License-Identifier: Apache-2.0
"""Bundles for tests: the default config with a few values changed, each named by its JSON pointer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from support import rootfs

ABSENT: Final = object()
"""As a value of `change`: remove what the pointer names."""

Changes = Mapping[str, Any]


def change(config: Any, pointer: str, value: Any) -> None:
    """Set the value at a JSON pointer, making objects on the way; `-` appends to an array (made if missing)."""
    *path, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    for index, part in enumerate(path):
        if isinstance(config, list):
            config = config[int(part)]
        else:
            following = path[index + 1] if index + 1 < len(path) else last
            config = config.setdefault(part, [] if following == "-" else {})
    if isinstance(config, list):
        if last == "-":
            config.append(value)
        elif value is ABSENT:
            del config[int(last)]
        else:
            config[int(last)] = value
    elif value is ABSENT:
        config.pop(last, None)
    else:
        config[last] = value


def bind(source: Path, *options: str, destination: str = "/volume", **more: Any) -> dict[str, Any]:
    """A change that adds a bind mount."""
    mount = {"destination": destination, "type": "bind", "source": str(source), "options": list(options)}
    return {"/mounts/-": {**mount, **more}}


class Bundle:
    """A bundle on disk and what a test needs to know of it."""

    def __init__(self, path: Path, ident: str, config: dict[str, Any]) -> None:
        self.path = path
        self.id = ident
        self.config = config

    @property
    def rootfs(self) -> Path:
        """The container's root as the host sees it."""
        return self.path / "rootfs"

    @property
    def cgroup(self) -> str:
        """The cgroupsPath."""
        return str(self.config["linux"]["cgroupsPath"])

    def change(self, pointer: str, value: Any) -> None:
        """Change one value and write config.json again."""
        change(self.config, pointer, value)
        self.write()

    def write(self) -> None:
        """Write config.json."""
        (self.path / "config.json").write_text(json.dumps(self.config, indent=1))

    def own_by(self, uid: int) -> None:
        """Give all that the container may write to `uid`; busybox is shared and stays root's."""
        os.chown(self.path, uid, uid)
        for folder, folders, _ in os.walk(self.rootfs):
            for name in (folder, *(os.path.join(folder, f) for f in folders)):
                os.chown(name, uid, uid)


def make_bundle(
    folder: Path,
    ident: str,
    base: dict[str, Any],
    program: str | Sequence[str],
    changes: Changes,
    prepared: Path,
) -> Bundle:
    """Make a bundle whose program is a shell script (str) or an argv (sequence)."""
    folder.mkdir()
    folder.chmod(0o755)
    rootfs.make(folder / "rootfs", prepared)
    config = json.loads(json.dumps(base))
    config["process"]["terminal"] = False
    config["process"]["args"] = ["/bin/sh", "-c", program] if isinstance(program, str) else list(program)
    for pointer, value in changes.items():
        change(config, pointer, value)
    bundle = Bundle(folder, ident, config)
    bundle.write()
    return bundle
