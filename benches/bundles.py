# SPDX-License-Identifier: Apache-2.0
"""Make the bundles that are run: busybox in a rootfs that all share, a config for each runtime and caller."""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
APPLETS = ("true", "sleep", "sh")
FOLDERS = ("bin", "dev", "etc", "proc", "sys", "tmp")


def make_rootfs(rootfs: Path) -> None:
    """Put a static busybox and links to it into a new rootfs."""
    for folder in FOLDERS:
        (rootfs / folder).mkdir(parents=True)
    shutil.copy(_static_busybox(), rootfs / "bin" / "busybox")
    for applet in APPLETS:
        (rootfs / "bin" / applet).symlink_to("busybox")


def make_bundle(bundle: Path, rootfs: Path, args: list[str], cgroup: str) -> None:
    """Write the config that `estiba spec` writes, without a terminal, for `args` in a cgroup of its own."""
    # By path and not by import: the bench of the peers needs no built estiba.
    module = runpy.run_path(str(CHECKOUT / "python" / "estiba" / "spec" / "default.py"))
    config: dict[str, Any] = module["default_config"]()
    config["root"]["path"] = str(rootfs)
    config["process"]["terminal"] = False
    config["process"]["args"] = args
    config["linux"]["cgroupsPath"] = cgroup
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text(json.dumps(config))


def _static_busybox() -> str:
    found = shutil.which("busybox")
    hint = "hint: install it, `apt-get install busybox-static`"
    if not found:
        raise SystemExit(f"benches: busybox is absent\n{hint}")
    headers = subprocess.run(["readelf", "-lW", found], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "INTERP" in headers:
        raise SystemExit(f'benches: "{found}" is not static\n{hint}')
    return found
