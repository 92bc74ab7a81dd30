# SPDX-License-Identifier: Apache-2.0
"""Make the bundles that are run: busybox in a rootfs that all share, a config for each runtime and caller."""

from __future__ import annotations

import functools
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


def make_bundle(bundle: Path, rootfs: Path, args: list[str], cgroup: str, **linux: Any) -> None:
    """Write the config that `estiba spec` writes, without a terminal, for `args` in a cgroup of its own.

    `linux` replaces properties of its linux section.
    """
    config: dict[str, Any] = _default()()
    config["root"]["path"] = str(rootfs)
    config["process"]["terminal"] = False
    config["process"]["args"] = args
    config["linux"] |= {"cgroupsPath": cgroup, **linux}
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "config.json").write_text(json.dumps(config))


def common_profile(number: int) -> dict[str, Any]:
    """Return the seccomp profile that podman ships, with one more rule that makes it another one for each number."""
    recorded = json.loads((CHECKOUT / "tests" / "recorded" / "podman-run.json").read_text())
    profile: dict[str, Any] = recorded["linux"]["seccomp"]
    only = {"index": 0, "value": 1 << 20 | number, "op": "SCMP_CMP_EQ"}
    profile["syscalls"].append({"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [only]})
    return profile


@functools.cache
def _default() -> Any:
    # By path and not by import: the bench of the peers needs no built estiba.
    return runpy.run_path(str(CHECKOUT / "python" / "estiba" / "spec" / "default.py"))["default_config"]


def _static_busybox() -> str:
    found = shutil.which("busybox")
    hint = "hint: install it, `apt-get install busybox-static`"
    if not found:
        raise SystemExit(f"benches: busybox is absent\n{hint}")
    headers = subprocess.run(["readelf", "-lW", found], stdout=subprocess.PIPE, text=True, check=True).stdout
    if "INTERP" in headers:
        raise SystemExit(f'benches: "{found}" is not static\n{hint}')
    return found
