# SPDX-License-Identifier: Apache-2.0
"""Recorded configs as bundles that start here: what was the client's own is replaced by what every host has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support import recorded
from support.bundles import Bundle
from support.views import View


def every() -> list[str]:
    """All recordings, without those of the pure v2 view that have a twin."""
    return [n for n in recorded.configs() if not n.endswith("-v2")]


def variant(name: str, view: View) -> str:
    """The recording of the same call in this view, if it was another there."""
    twin = f"{name}-v2"
    return twin if view.name == "v2" and twin in recorded.configs() else name


def put(bundle: Bundle, name: str, view: View, *, work: Path, parent: str, argv: list[str]) -> None:
    """Make `bundle` a recorded one: its config with `argv` as program."""
    cgroup = f"{parent}/{bundle.id}"
    config = recorded.load(variant(name, view), work=work, bundle=bundle.path, ident=bundle.id, cgroup=cgroup)
    process = config["process"]
    process["args"], process["cwd"] = argv, "/"
    process["env"] = [*process.get("env", []), bundle.config["process"]["env"][-1]]
    for mount in config["mounts"]:
        if mount.get("type") == "bind" and not Path(mount["source"]).exists():
            mount["source"] = "/bin/busybox"  # the client's own init program
    for namespace in config["linux"]["namespaces"]:
        if namespace.get("path", "").startswith(str(work)):
            namespace["path"] = "/proc/self/ns/net"  # the client's name for the host's own
    for hook in config.get("hooks", {}).get("prestart", []):
        hook.update(path="/bin/true", args=["true"])  # the client's own program
    if view.name == "v2":
        resources = config["linux"]["resources"]
        known = {"memory": "memory", "cpu": "cpu", "pids": "pids", "blockIO": "io"}
        for key, controller in known.items():
            if controller not in view.controllers():
                resources.pop(key, None)
    if mappings := config["linux"].get("uidMappings"):
        bundle.own_by(next(m["hostID"] for m in mappings if m["containerID"] == 0))
    bundle.config = config
    bundle.write()


def has_terminal(bundle: Bundle) -> bool:
    """Say whether the bundle's program wants a terminal."""
    terminal: Any = bundle.config["process"].get("terminal", False)
    return bool(terminal)
