# SPDX-License-Identifier: Apache-2.0
"""update: change the limits of a container."""

from __future__ import annotations

from estiba import _core
from estiba.cli.files import read_json
from estiba.cli.parse import Options, refusal
from estiba.cli.settings import root
from estiba.command_line.read import size
from estiba.errors import ConfigUnsupported
from estiba.lifecycle.proof import judged_resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from estiba.cli.parse import Parsed

PLACES: dict[str, tuple[str, str, str]] = {
    "blkio-weight": ("blockIO", "weight", "number"),
    "cpu-period": ("cpu", "period", "number"),
    "cpu-quota": ("cpu", "quota", "number"),
    "cpu-burst": ("cpu", "burst", "number"),
    "cpu-share": ("cpu", "shares", "number"),
    "cpu-rt-period": ("cpu", "realtimePeriod", "number"),
    "cpu-rt-runtime": ("cpu", "realtimeRuntime", "number"),
    "cpu-idle": ("cpu", "idle", "number"),
    "cpuset-cpus": ("cpu", "cpus", "text"),
    "cpuset-mems": ("cpu", "mems", "text"),
    "memory": ("memory", "limit", "bytes"),
    "memory-reservation": ("memory", "reservation", "bytes"),
    "memory-swap": ("memory", "swap", "bytes"),
    "pids-limit": ("pids", "limit", "number"),
}
"""Option to its place in the resources object, and how its value is read."""

RDT = ("l3-cache-schema", "mem-bw-schema")


def update(parsed: Parsed) -> int:
    """Apply --resources, and the other options over it."""
    for option in RDT:
        if parsed.options.text(option) is not None:
            raise ConfigUnsupported(f"--{option}: Intel RDT is not supported")
    file = parsed.options.text("resources")
    resources: Any = {}
    if file is not None:
        resources = read_json(file, "resources")
        judged_resources(resources, "resources")
    resources = merged(resources, parsed.options)
    _core.update(root=root(parsed), id=parsed.words[0], resources=judged_resources(resources, "resources"))
    return 0


def merged(resources: dict[str, Any], options: Options) -> dict[str, Any]:
    """Put the options' values over the resources object."""
    whole = dict(resources)
    for option, (section, key, kind) in PLACES.items():
        text = options.text(option)
        if text is not None:
            whole[section] = {**(whole.get(section) or {}), key: value(option, text, kind)}
    return whole


def value(option: str, text: str, kind: str) -> int | str:
    """Read one value: a number, or bytes with a unit as in 512m. Raises Refusal."""
    if kind == "text":
        return text
    bare = text.removeprefix("-")
    if kind == "bytes" and text != "-1":
        number = size(text)
    else:
        number = int(text) if bare.isascii() and bare.isdigit() and len(bare) < 20 else None
    if number is None:
        metavar = "a number" if kind == "number" else "bytes, as 536870912 or 512m, or -1"
        raise refusal("update", "bad-value", what=f"--{option}", metavar=metavar, value=text)
    return number
