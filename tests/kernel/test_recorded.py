# SPDX-License-Identifier: Apache-2.0
"""Every config that containerd, podman and Docker were recorded to write is created, started and deleted."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import recorded
from support.runtime import Runtime
from support.terminals import ConsoleSocket

NAMES = [name for name in recorded.configs() if not name.endswith("-v2")]

# A property of linux.resources and the controllers it needs; a host without them is another test's.
NEEDS = {"memory": "memory", "pids": "pids", "cpu": "cpu", "blockIO": "io"}


def _startable(config: dict[str, Any], controllers: frozenset[str]) -> dict[str, Any]:
    """Replace what belongs to the recording: programs, hooks of the client, namespaces of processes that are gone."""
    config = copy.deepcopy(config)
    config["process"]["args"] = ["/bin/sh", "-c", "exit 7"]
    for hooks in (config.get("hooks") or {}).values():
        for hook in hooks:
            hook["path"], hook["args"] = "/bin/true", ["true"]
    for namespace in config["linux"]["namespaces"]:
        if not Path(namespace.get("path") or "/").exists():
            del namespace["path"]
    config["process"]["rlimits"] = []  # of the recording host; a test of limits has its own
    resources = config["linux"]["resources"]
    for name, controller in NEEDS.items():
        if controller not in controllers:
            resources.pop(name, None)
    devices = config["linux"].get("devices") or []
    config["linux"]["devices"] = [device for device in devices if Path(device["path"]).exists()]
    return config


@pytest.mark.estiba_only
@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_config_runs(
    name: str, runtime: Runtime, bundle: MakeBundle, folder: Path, console: ConsoleSocket, cgroup_parent: str
) -> None:
    if runtime.view.name == "v2" and f"{name}-v2" in recorded.configs():
        name = f"{name}-v2"
    made = bundle()
    config = recorded.load(name, work=folder / "work", bundle=made.path, ident=made.id, cgroup=cgroup_parent)
    made.config.clear()
    made.config.update(_startable(config, runtime.view.controllers()))
    made.write()
    if mappings := made.config["linux"].get("uidMappings"):
        made.own_by(mappings[0]["hostID"])  # as these clients hand the root over
    terminal = made.config["process"].get("terminal")
    container = runtime.create(made, *(["--console-socket", str(console.path)] if terminal else []))
    container.start()
    assert container.wait() == 7
    container.delete()
