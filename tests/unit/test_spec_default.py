# SPDX-License-Identifier: Apache-2.0
"""What `estiba spec` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from estiba.spec import default_config

GOLDEN = Path(__file__).parent.parent / "golden" / "config"


@pytest.mark.parametrize(
    ("name", "options"),
    [("default", {}), ("rootless", {"rootless": True, "uid": 1000, "gid": 1001})],
)
def test_default_config_is_the_golden_one(name: str, options: dict[str, Any]) -> None:
    """A change of what users get is a change of a file that somebody reads."""
    expected = json.loads((GOLDEN / f"{name}.json").read_text())
    assert expected == default_config(**options)


def test_every_call_gives_a_config_of_its_own() -> None:
    """A caller may edit what it got."""
    first: Any = default_config()
    first["process"]["args"].append("-c")
    first["linux"]["maskedPaths"].clear()
    assert default_config() != first


def test_rootless_config_asks_for_nothing_that_needs_root() -> None:
    """No network namespace, no limits, no group that one mapped id does not cover."""
    config: Any = default_config(rootless=True, uid=1000, gid=1000)
    assert "resources" not in config["linux"]
    assert {"type": "network"} not in config["linux"]["namespaces"]
    assert {"type": "user"} in config["linux"]["namespaces"]
    assert not [o for m in config["mounts"] for o in m.get("options", []) if o.startswith(("gid=", "uid="))]
