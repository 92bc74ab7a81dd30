# SPDX-License-Identifier: Apache-2.0
"""How much the container may use: --memory, --cpus, --pids-limit, --ulimit and their like. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estiba.errors import ArgumentInvalid
from estiba.spec.words import nearest, quote
from estiba.tables.rlimits import RLIMITS

if TYPE_CHECKING:
    from estiba.muelle.parse import Options

PERIOD = 100_000
"""Microseconds in which --cpus are counted: the kernel's own period (sched-bwc.rst)."""
LEAST_QUOTA = 1_000
LEAST_MEMORY = 6 << 20
"""Bytes below which a container does not come up; Docker's least as well."""


def resources(options: Options) -> dict[str, Any]:
    """Return the limits as linux.resources has them. Raises ArgumentInvalid."""
    memory, cpu, pids = _memory(options), _cpu(options), options.text("pids-limit")
    limits: dict[str, Any] = {}
    if memory:
        limits["memory"] = memory
    if cpu:
        limits["cpu"] = cpu
    if pids is not None:
        number = int(pids)
        limits["pids"] = {"limit": number if number > 0 else -1}
    return limits


def _memory(options: Options) -> dict[str, int]:
    limit, reserved = options.size("memory"), options.size("memory-reservation")
    swap = options.text("memory-swap")
    found: dict[str, int] = {}
    if limit:
        if limit < LEAST_MEMORY:
            raise ArgumentInvalid(f"--memory: {limit} bytes are too few, the least is 6m")
        found["limit"] = limit
        found["swap"] = 2 * limit  # of memory and swap together, as with Docker
    if reserved:
        found["reservation"] = reserved
    if swap is not None:
        found["swap"] = _swap(swap, limit)
    return found


def _swap(text: str, limit: int | None) -> int:
    from estiba.muelle.parse import size

    number = -1 if text == "-1" else size(text)
    if number is None:
        raise ArgumentInvalid(f"--memory-swap: {quote(text)} is no size, and not -1 for as much as there is")
    if not limit or (number != -1 and number < limit):
        hint = "it is the limit of memory and swap together: at least what --memory says"
        raise ArgumentInvalid(f"--memory-swap: {quote(text)} is below --memory", hint=hint)
    return number


def _cpu(options: Options) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (cpus := options.decimal("cpus")) is not None and cpus > 0:
        found = {"quota": max(int(cpus * PERIOD), LEAST_QUOTA), "period": PERIOD}
    if shares := options.number("cpu-shares"):
        found["shares"] = shares
    for name, key in (("cpuset-cpus", "cpus"), ("cpuset-mems", "mems")):
        if listed := options.text(name):
            found[key] = listed
    return found


def rlimits(options: Options) -> list[dict[str, Any]]:
    """Return what --ulimit NAME=SOFT[:HARD] asks for; -1 is no limit. Raises ArgumentInvalid."""
    found: dict[str, dict[str, Any]] = {}
    for given in options.list("ulimit"):
        name, _equals, values = given.partition("=")
        kind = f"RLIMIT_{name.upper()}"
        if kind not in RLIMITS:
            near = nearest(kind, RLIMITS)
            hint = f"did you mean {quote(near.removeprefix('RLIMIT_').lower())}?" if near else None
            raise ArgumentInvalid(f"--ulimit: {quote(name)} is not a limit", hint=hint)
        soft, colon, hard = values.partition(":")
        found[kind] = {
            "type": kind,
            "soft": _rlimit(given, soft),
            "hard": _rlimit(given, hard if colon else soft),
        }
    return list(found.values())


def _rlimit(given: str, digits: str) -> int:
    if digits in ("-1", "unlimited"):
        return 2**64 - 1
    if not (digits.isascii() and digits.isdigit() and int(digits) < 2**64):
        raise ArgumentInvalid(f"--ulimit: {quote(given)} is not NAME=SOFT or NAME=SOFT:HARD")
    return int(digits)
