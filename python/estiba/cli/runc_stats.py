# SPDX-License-Identifier: Apache-2.0
"""The engine's counters in the shape that callers of `events` know from runc. Pure."""

from __future__ import annotations

from typing import Any

Table = dict[str, Any]

UNLIMITED = 2**64 - 1


def in_runc_shape(stats: Table) -> Table:
    """Turn what `_core.stats` gives into the `data` of a stats event."""
    pressure = stats.get("pressure", {})
    return {
        "cpu": {**cpu(stats.get("cpu", {})), **psi(pressure.get("cpu"))},
        "memory": {**memory(stats.get("memory", {})), **psi(pressure.get("memory"))},
        "pids": pids(stats.get("pids", {})),
        "blkio": {**blkio(stats.get("io", {})), **psi(pressure.get("io"))},
        "hugetlb": {size: hugetlb(page) for size, page in stats.get("hugetlb", {}).items()},
        "network_interfaces": None,
    }


def cpu(table: Table) -> Table:
    """Time in nanoseconds, and how often the quota held it up."""
    usage = {
        "total": table.get("usage_ns", 0),
        "kernel": table.get("system_ns", 0),
        "user": table.get("user_ns", 0),
    }
    if "per_cpu_ns" in table:
        usage["percpu"] = table["per_cpu_ns"]
    throttling = {
        "periods": table.get("periods", 0),
        "throttledPeriods": table.get("throttled_periods", 0),
        "throttledTime": table.get("throttled_ns", 0),
    }
    return {"usage": usage, "throttling": throttling}


def memory(table: Table) -> Table:
    """Bytes. The swap entry counts memory and swap together, as cgroup v1 does."""
    stat = table.get("stat", {})
    swap = table.get("memory_and_swap")
    if swap is None:
        swap = together(table, table.get("swap", {}))
    return {
        "cache": stat.get("cache", stat.get("file", 0)),
        "usage": memory_entry(table),
        "swap": memory_entry(swap),
        "kernel": memory_entry(table.get("kernel", {})),
        "kernelTCP": memory_entry(table.get("kernel_tcp", {})),
        "raw": stat,
    }


def together(plain: Table, swap: Table) -> Table:
    """Add cgroup v2's two counters up."""
    memory_limit, swap_limit = plain.get("limit"), swap.get("limit")
    limit = None if memory_limit is None or swap_limit is None else memory_limit + swap_limit
    return {"usage": plain.get("usage", 0) + swap.get("usage", 0), "limit": limit}


def memory_entry(table: Table) -> Table:
    """One counter with its limit."""
    limit = table.get("limit")
    return {
        "limit": UNLIMITED if limit is None else limit,
        "usage": table.get("usage", 0),
        "max": table.get("max_usage", 0),
        "failcnt": table.get("failcnt", 0),
    }


def pids(table: Table) -> Table:
    """Number of processes; a limit of 0 is none."""
    return {"current": table.get("current", 0), "limit": table.get("limit") or 0}


def blkio(table: Table) -> Table:
    """Bytes and operations by device."""
    return {
        "ioServiceBytesRecursive": io_entries(table, "bytes"),
        "ioServicedRecursive": io_entries(table, "operations"),
    }


def io_entries(table: Table, unit: str) -> list[Table]:
    """One entry a device and direction."""
    return [
        {
            "major": device["major"],
            "minor": device["minor"],
            "op": operation.capitalize(),
            "value": device[f"{operation}_{unit}"],
        }
        for device in table.get("devices", [])
        for operation in ("read", "write")
        if f"{operation}_{unit}" in device
    ]


def hugetlb(table: Table) -> Table:
    """Bytes of one page size."""
    return {
        "usage": table.get("usage", 0),
        "max": table.get("max_usage", 0),
        "failcnt": table.get("failcnt", 0),
    }


def psi(table: Table | None) -> Table:
    """Pressure: averages in percent, totals in microseconds."""
    if not table:
        return {}
    return {
        "psi": {
            kind: {name: float(value) if name.startswith("avg") else value for name, value in numbers.items()}
            for kind, numbers in table.items()
        }
    }
