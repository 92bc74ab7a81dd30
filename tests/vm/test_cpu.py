# SPDX-License-Identifier: Apache-2.0
"""CPU time on v2: the quota throttles, weights and sets are as asked, and all of it changes while the container runs."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Runtime
from vm.cgroup_files import numbers, text

BUSY = "i=0; while [ $i -lt 10000 ]; do i=$((i+1)); done"
"""Some tenths of a second."""
FOREVER = "echo ready; exec sleep 1000"


def cpu(**values: Any) -> dict[str, Any]:
    """A change of the CPU resources."""
    return {"/linux/resources/cpu": values}


@pytest.mark.core
def test_a_quota_throttles(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(BUSY, cpu(quota=5_000, period=20_000)))
    assert container.wait(120) == 0
    counted = numbers(container, "cpu.stat")
    container.delete()
    assert counted["nr_periods"] >= counted["nr_throttled"] > 2


def test_without_a_quota_nothing_is_throttled(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(BUSY, cpu(shares=2048)))
    assert container.wait(120) == 0
    throttled = numbers(container, "cpu.stat").get("nr_throttled", 0)
    container.delete()
    assert throttled == 0


@pytest.mark.parametrize(
    ("values", "files"),
    [
        (
            {"shares": 262144, "quota": 30_000, "burst": 10_000, "cpus": "1", "mems": "0"},
            {
                "cpu.weight": "10000",
                "cpu.max": "30000 100000",
                "cpu.max.burst": "10000",
                "cpuset.cpus": "1",
                "cpuset.mems": "0",
            },
        ),
        ({"shares": 2, "period": 50_000}, {"cpu.weight": "1", "cpu.max": "max 50000"}),
        ({"quota": -1, "period": 50_000, "idle": 1}, {"cpu.max": "max 50000", "cpu.idle": "1"}),
    ],
)
def test_each_value_is_in_its_file(
    runtime: Runtime, bundle: MakeBundle, values: dict[str, Any], files: dict[str, str]
) -> None:
    container = runtime.create(bundle(FOREVER, cpu(**values)))
    seen = {name: text(container, name) for name in files}
    container.delete()
    assert seen == files


@pytest.mark.core
def test_a_set_of_one_cpu_is_all_that_the_container_has(runtime: Runtime, bundle: MakeBundle) -> None:
    script = "nproc; grep Cpus_allowed_list /proc/self/status"
    assert runtime.output(bundle(script, cpu(cpus="1"))).split() == ["1", "Cpus_allowed_list:", "1"]


def test_a_cpu_that_the_host_has_not_is_refused_with_its_place(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", cpu(cpus="77"))
    result = runtime.run(config)
    assert result.code == 1
    assert result.err.startswith("config.json /linux/resources/cpu/cpus: "), result.err
    assert '"77"' in result.err


def test_update_changes_what_a_running_container_gets(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(FOREVER), stdout=pipe)
    pipe.readline()
    words = ("--cpu-quota", "5000", "--cpu-period", "20000", "--cpu-share", "2048", "--cpuset-cpus", "0")
    runtime.must("update", container.id, *words)
    assert container.exec("nproc").out == "1\n"
    assert container.exec("sh", "-c", BUSY, seconds=120).code == 0
    throttled = numbers(container, "cpu.stat")["nr_throttled"]
    files = [text(container, name) for name in ("cpu.max", "cpu.weight")]
    container.delete()
    assert files == ["5000 20000", "174"]
    assert throttled > 2


def test_the_unified_map_has_the_last_word(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = cpu(shares=1024) | {"/linux/resources/unified": {"cpu.weight": "321", "cpu.max": "7000 70000"}}
    container = runtime.create(bundle(FOREVER, changes))
    files = [text(container, name) for name in ("cpu.weight", "cpu.max")]
    container.delete()
    assert files == ["321", "7000 70000"]
