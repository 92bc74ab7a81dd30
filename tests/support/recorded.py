# SPDX-License-Identifier: Apache-2.0
"""The recordings of tests/recorded, with their placeholders replaced by things that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).resolve().parent.parent / "recorded"


def configs() -> list[str]:
    """The names of the recorded config.json files."""
    names = (p.name.removesuffix(".json") for p in RECORDED.glob("*.json"))
    return sorted(n for n in names if not n.endswith((".process", ".calls")))


def load(name: str, *, work: Path, bundle: Path, ident: str, cgroup: str) -> dict[str, Any]:
    """Load a recorded config, its placeholders replaced and the sources of its bind mounts made below `work`."""
    text = (RECORDED / f"{name}.json").read_text()
    config: dict[str, Any] = json.loads(replace(text, work=work, bundle=bundle, ident=ident, cgroup=cgroup))
    for mount in config["mounts"]:
        source = Path(mount.get("source", ""))
        if source.is_relative_to(work / "directory"):
            source.mkdir(parents=True, exist_ok=True)
        elif source.is_relative_to(work / "file"):
            source.parent.mkdir(parents=True, exist_ok=True)
            source.touch()
    return config


def replace(text: str, *, work: Path, bundle: Path, ident: str, cgroup: str) -> str:
    """Replace the placeholders."""
    values = {
        "@BUNDLE@": str(bundle),
        "@ROOTFS@": str(bundle / "rootfs"),
        "@ID@": ident,
        "@ID12@": ident[:12],
        "@CGROUP@": cgroup,
        "@WORK@": str(work),
        "@PID@": "self",
        "@N@": "1",
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def load_profile(name: str) -> dict[str, Any]:
    """The seccomp profile of a recorded config."""
    loaded: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())["linux"]["seccomp"]
    return loaded
