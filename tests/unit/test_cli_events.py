# SPDX-License-Identifier: Apache-2.0
"""Events: the shape of counters and the words of durations."""

from __future__ import annotations

import pytest

from estiba.cli.events import seconds
from estiba.cli.parse import Refusal
from estiba.cli.runc_stats import UNLIMITED, in_runc_shape
from estiba.lifecycle.events import oom_kills


def test_counters_of_a_host_without_controllers_are_zero() -> None:
    """Callers find every key that they read."""
    shape = in_runc_shape({})
    assert shape["memory"]["usage"] == {"limit": UNLIMITED, "usage": 0, "max": 0, "failcnt": 0}
    assert (shape["pids"], shape["cpu"]["usage"]["total"]) == ({"current": 0, "limit": 0}, 0)


def test_swap_of_cgroup_v2_counts_memory_too() -> None:
    """As cgroup v1 does, which the callers' numbers come from."""
    stats = {"memory": {"usage": 10, "limit": 100, "swap": {"usage": 5, "limit": 50}}}
    swap = in_runc_shape(stats)["memory"]["swap"]
    assert (swap["usage"], swap["limit"]) == (15, 150)


def test_limit_of_swap_is_none_where_one_of_the_two_is() -> None:
    """No limit on memory leaves none on the sum."""
    stats = {"memory": {"usage": 10, "limit": None, "swap": {"usage": 5, "limit": 50}}}
    assert in_runc_shape(stats)["memory"]["swap"]["limit"] == UNLIMITED


def test_devices_become_an_entry_for_each_direction() -> None:
    """Bytes and operations in lists of their own."""
    device = {"major": 8, "minor": 0, "read_bytes": 1, "write_bytes": 2, "read_operations": 3}
    blkio = in_runc_shape({"io": {"devices": [device]}})["blkio"]
    assert blkio["ioServiceBytesRecursive"] == [
        {"major": 8, "minor": 0, "op": "Read", "value": 1},
        {"major": 8, "minor": 0, "op": "Write", "value": 2},
    ]
    assert [entry["value"] for entry in blkio["ioServicedRecursive"]] == [3]


def test_pressure_averages_are_numbers() -> None:
    """The kernel's text becomes a float, the total stays whole."""
    stats = {"pressure": {"cpu": {"some": {"avg10": "0.50", "total": 12}}}}
    assert in_runc_shape(stats)["cpu"]["psi"] == {"some": {"avg10": 0.5, "total": 12}}


def test_kills_for_want_of_memory_are_counted() -> None:
    """By the kernel, in memory.events."""
    assert oom_kills({"memory": {"events": {"oom_kill": 3}}}) == 3


@pytest.mark.parametrize(
    ("text", "expected"), [("5s", 5), ("500ms", 0.5), ("1m30s", 90), ("1.5s", 1.5), ("1000h", 3_600_000)]
)
def test_duration_is_read_as_callers_write_it(text: str, expected: float) -> None:
    """As containerd sends it."""
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "5", "0s", "s", "-1s", "5 s", "١s"])
def test_duration_that_is_none_is_refused(text: str) -> None:
    """With the value that was given."""
    with pytest.raises(Refusal, match="--interval takes a time"):
        seconds(text)
