# SPDX-License-Identifier: Apache-2.0
"""Block devices on v2: weights and limits are in their files, and a limit holds back who reads."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from conftest import MakeBundle
from support.processes import Pipe
from support.runtime import Container, Runtime
from vm.cgroup_files import MOUNT_POINT, of_device, text

FOREVER = "echo ready; exec sleep 1000"
READS = 400
READ = f"echo ready; dd if=/dev/spare of=/dev/null bs=4k count={READS} iflag=direct 2>/dev/null && echo read"


@pytest.fixture
def bfq() -> Iterator[None]:
    """The I/O scheduler that has weights of its own."""
    subprocess.run(["modprobe", "bfq"], check=True)
    yield
    subprocess.run(["modprobe", "--remove", "bfq"], check=True)


@pytest.fixture
def cost_model(spare: dict[str, Any]) -> Iterator[None]:
    """The kernel's cost model (io.cost in cgroup-v2.rst) switched on for the spare disk."""
    switch = MOUNT_POINT / "io.cost.qos"
    switch.write_text(f"{number_of(spare)} enable=1")
    yield
    switch.write_text(f"{number_of(spare)} enable=0")


def number_of(device: dict[str, Any]) -> str:
    """A device's numbers as cgroup files write them."""
    return f"{device['major']}:{device['minor']}"


def block_io(spare: dict[str, Any], **values: Any) -> dict[str, Any]:
    """A change that gives the container the spare disk and limits; a number becomes a rate for that disk."""
    numbers = {"major": spare["major"], "minor": spare["minor"]}
    limits = {name: [{**numbers, "rate": rate}] for name, rate in values.items()}
    allowed = {"allow": True, "type": "b", "access": "rw", **numbers}
    return {
        "/linux/devices/-": spare,
        "/linux/resources/devices/-": allowed,
        "/linux/resources/blockIO": limits,
    }


def reads(container: Container, device: str) -> int:
    """How many reads of the disk the container has had."""
    return int(of_device(container, "io.stat", device).get("rios", "0"))


def test_every_limit_is_in_its_place(runtime: Runtime, bundle: MakeBundle, spare: dict[str, Any]) -> None:
    limits = block_io(
        spare,
        throttleReadBpsDevice=1 << 20,
        throttleWriteBpsDevice=2 << 20,
        throttleReadIOPSDevice=30,
        throttleWriteIOPSDevice=40,
    )
    container = runtime.create(bundle(FOREVER, limits))
    seen = of_device(container, "io.max", number_of(spare))
    container.delete()
    assert seen == {"rbps": str(1 << 20), "wbps": str(2 << 20), "riops": "30", "wiops": "40"}


@pytest.mark.core
def test_a_limit_holds_back_who_reads(
    runtime: Runtime, bundle: MakeBundle, spare: dict[str, Any], pipe: Pipe
) -> None:
    """When a container without a limit has read all, one that began before it has had its few reads a second."""
    slow = runtime.start(bundle(READ, block_io(spare, throttleReadIOPSDevice=4)))
    free = runtime.start(bundle(READ, block_io(spare)), stdout=pipe)
    assert [pipe.readline(), pipe.readline(120)] == ["ready", "read"]
    counts = [reads(container, number_of(spare)) for container in (free, slow)]
    free.delete()
    slow.delete()
    assert counts[0] >= READS
    assert counts[1] < READS / 2


def test_update_lifts_a_limit_of_a_running_container(
    runtime: Runtime, bundle: MakeBundle, spare: dict[str, Any], pipe: Pipe
) -> None:
    container = runtime.start(bundle(READ, block_io(spare, throttleReadIOPSDevice=2)), stdout=pipe)
    assert pipe.readline() == "ready"
    unlimited = container.bundle.path / "resources.json"
    major, minor = spare["major"], spare["minor"]
    unlimited.write_text(
        f'{{"blockIO": {{"throttleReadIOPSDevice": [{{"major": {major}, "minor": {minor}, "rate": 0}}]}}}}'
    )
    runtime.must("update", "--resources", str(unlimited), container.id)
    assert pipe.readline(120) == "read"
    assert of_device(container, "io.max", number_of(spare)) == {}
    container.delete()


def test_a_weight_goes_to_the_kernels_cost_model(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER, {"/linux/resources/blockIO": {"weight": 500}}))
    seen = text(container, "io.weight")
    runtime.must("update", container.id, "--blkio-weight", "10")
    after = text(container, "io.weight")
    container.delete()
    assert [seen, after] == ["default 4950", "default 1"]


@pytest.mark.usefixtures("bfq")
def test_a_weight_goes_to_bfq_where_that_is_loaded(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER, {"/linux/resources/blockIO": {"weight": 500}}))
    seen = [text(container, name) for name in ("io.bfq.weight", "io.weight")]
    container.delete()
    assert seen == ["default 500", "default 100"]


def weight_of(disk: dict[str, Any]) -> dict[str, Any]:
    """A change that gives the container the largest weight on one disk."""
    entry = {"major": disk["major"], "minor": disk["minor"], "weight": 1000}
    return {"/linux/resources/blockIO": {"weightDevice": [entry]}}


@pytest.mark.usefixtures("cost_model")
def test_a_weight_of_one_device_is_in_its_place(
    runtime: Runtime, bundle: MakeBundle, spare: dict[str, Any]
) -> None:
    container = runtime.create(bundle(FOREVER, weight_of(spare)))
    lines = text(container, "io.weight").splitlines()
    container.delete()
    assert f"{number_of(spare)} 10000" in lines


def test_a_weight_on_a_device_without_weights_is_refused_with_a_hint(
    runtime: Runtime, bundle: MakeBundle, unused: dict[str, Any]
) -> None:
    result = runtime.run(bundle("true", weight_of(unused)))
    message, hint = result.err.splitlines()
    assert message.startswith("config.json /linux/resources/blockIO/weightDevice/0/weight: "), message
    assert "io.cost.qos in the root cgroup has to enable it" in hint


def test_a_device_that_the_host_has_not_is_refused_with_its_place(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    entry = {"major": 254, "minor": 4000, "rate": 1000}
    result = runtime.run(bundle("true", {"/linux/resources/blockIO": {"throttleReadBpsDevice": [entry]}}))
    assert result.code == 1
    assert result.err.startswith("config.json /linux/resources/blockIO/throttleReadBpsDevice/0/rate: "), (
        result.err
    )
    assert "254:4000" in result.err
