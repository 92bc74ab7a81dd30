# SPDX-License-Identifier: Apache-2.0
"""Every namespace: new, joined by path, and the host's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support.bundles import ABSENT
from support.processes import Pipe, holder, namespace, parse_status, status
from support.runtime import Runtime

FILES = {"network": "net", "ipc": "ipc", "uts": "uts", "pid": "pid", "mount": "mnt", "cgroup": "cgroup"}
TIME = pytest.mark.not_on("runc", "1.1.5 knows no time namespace")


def namespaces(config: dict[str, Any], kind: str, path: str | None = None, *, keep: bool = True) -> list[Any]:
    """The config's namespaces with one joined by path (or left out)."""
    others = [n for n in config["linux"]["namespaces"] if n["type"] != kind]
    return [*others, {"type": kind, "path": path}] if keep else others


@pytest.mark.parametrize("kind", FILES)
def test_a_new_namespace_is_not_the_hosts(runtime: Runtime, bundle: MakeBundle, kind: str) -> None:
    inside = runtime.output(bundle(["readlink", f"/proc/self/ns/{FILES[kind]}"])).strip()
    assert inside.startswith(f"{FILES[kind]}:[")
    assert inside != namespace("self", FILES[kind])


@pytest.mark.parametrize("kind", FILES)
def test_a_new_namespace_is_seen_from_outside(runtime: Runtime, bundle: MakeBundle, kind: str) -> None:
    container = runtime.create(bundle("sleep 1000"))
    outside = namespace(container.pid, FILES[kind])
    container.start()
    assert namespace(container.pid, FILES[kind]) == outside != namespace("self", FILES[kind])
    container.delete()


@pytest.mark.parametrize("kind", ["network", "ipc", "uts", "pid", "cgroup"])
def test_a_namespace_that_is_not_listed_is_the_hosts(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any], kind: str
) -> None:
    changes: dict[str, Any] = {"/linux/namespaces": namespaces(base_config, kind, keep=False)}
    if kind == "uts":
        changes["/hostname"] = ABSENT
    inside = runtime.output(bundle(["readlink", f"/proc/self/ns/{FILES[kind]}"], changes)).strip()
    assert inside == namespace("self", FILES[kind])


@pytest.mark.parametrize("kind", ["network", "ipc", "uts", "cgroup"])
def test_a_namespace_is_joined_by_path(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any], kind: str
) -> None:
    option = {"network": "net"}.get(kind, kind)
    with holder(f"--{option}") as pid:
        joined = namespaces(base_config, kind, f"/proc/{pid}/ns/{option}")
        changes = {"/linux/namespaces": joined, "/hostname": "joined"}
        inside = runtime.output(bundle(["readlink", f"/proc/self/ns/{option}"], changes)).strip()
        assert inside == namespace(pid, option)


def test_a_joined_mount_namespace_gets_the_root_and_the_mounts_of_the_config(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any], pipe: Pipe
) -> None:
    with holder("--mount") as pid:
        config = bundle("cat /mark; grep -c ' /proc ' /proc/self/mountinfo; exec sleep 1000")
        config.change("/linux/namespaces", namespaces(base_config, "mount", f"/proc/{pid}/ns/mnt"))
        (config.rootfs / "mark").write_text("the root of the config\n")
        container = runtime.start(config, stdout=pipe)
        assert (pipe.readline(), pipe.readline()) == ("the root of the config", "1")
        assert namespace(container.pid, "mnt") == namespace(pid, "mnt") != namespace("self", "mnt")
        container.delete()


@pytest.mark.estiba_only
def test_the_runtimes_own_mount_namespace_is_not_joined(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any]
) -> None:
    joined = namespaces(base_config, "mount", "/proc/self/ns/mnt")
    result = runtime.run(bundle("true", {"/linux/namespaces": joined}))
    assert result.code != 0
    assert "is the mount namespace of the runtime itself" in result.err


def test_a_pid_namespace_is_joined_by_path(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any], pipe: Pipe
) -> None:
    with holder("--pid") as pid:
        joined = namespaces(base_config, "pid", f"/proc/{pid}/ns/pid")
        container = runtime.start(
            bundle("echo $$; exec sleep 1000", {"/linux/namespaces": joined}), stdout=pipe
        )
        assert int(pipe.readline()) > 1
        assert namespace(container.pid, "pid") == namespace(pid, "pid")
        container.delete()
        assert namespace("self", "pid") == namespace("self", "pid_for_children")


@pytest.mark.not_on("runc", "1.1.5 sometimes leaves the v2 cgroup of an orphan that it has just killed")
def test_a_joined_pid_namespace_outlives_the_container(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any]
) -> None:
    with holder("--pid") as pid:
        joined = namespaces(base_config, "pid", f"/proc/{pid}/ns/pid")
        container = runtime.start(bundle("sleep 1000 & sleep 1000", {"/linux/namespaces": joined}))
        container.delete()
        left = (
            Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        )  # zombies: the holder waits for none
        assert [status(p)["State"][0] for p in left] == ["Z"] * len(left)
        assert status(pid)["State"][0] == "S"


def test_the_namespace_of_another_container_is_joined(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any]
) -> None:
    first = runtime.start(bundle("sleep 1000"))
    shared = [
        {"type": t, "path": f"/proc/{first.pid}/ns/{FILES[t]}"} for t in ("network", "ipc", "uts", "pid")
    ]
    config = bundle(
        "hostname; readlink /proc/self/ns/net", {"/linux/namespaces": [*shared, {"type": "mount"}]}
    )
    config.change("/hostname", "estiba")
    assert runtime.output(config).split() == ["estiba", namespace(first.pid, "net")]
    first.delete()


def test_the_program_is_the_first_process_of_a_new_pid_namespace(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    assert runtime.output(bundle("echo $$")) == "1\n"


def test_loopback_is_up_in_a_new_network_namespace(runtime: Runtime, bundle: MakeBundle) -> None:
    assert "inet 127.0.0.1/8" in runtime.output(bundle("ip address show dev lo"))


def test_a_joined_network_namespace_is_left_as_it_was(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any]
) -> None:
    with holder("--net") as pid:
        joined = namespaces(base_config, "network", f"/proc/{pid}/ns/net")
        assert "inet" not in runtime.output(bundle("ip address show dev lo", {"/linux/namespaces": joined}))


def test_a_new_cgroup_namespace_has_the_containers_cgroup_as_root(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    lines = runtime.output(bundle("cat /proc/self/cgroup")).splitlines()
    assert {line.split(":", 2)[2] for line in lines if not line.startswith("0:") or len(lines) == 1} == {"/"}


def test_without_a_cgroup_namespace_the_whole_path_is_seen(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any]
) -> None:
    config = bundle(
        "cat /proc/self/cgroup", {"/linux/namespaces": namespaces(base_config, "cgroup", keep=False)}
    )
    assert config.cgroup in runtime.output(config)


def test_a_mount_of_the_container_is_not_seen_by_the_host(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    assert str(container.bundle.rootfs) not in "".join(runtime.view.mounts().values())
    container.delete()


@pytest.mark.requires("namespace:time")
@TIME
def test_a_new_time_namespace_is_not_the_hosts(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["readlink", "/proc/self/ns/time"], {"/linux/namespaces/-": {"type": "time"}})
    assert runtime.output(config).strip() != namespace("self", "time")


@pytest.mark.requires("namespace:time")
@TIME
def test_time_offsets_hold_in_the_container(runtime: Runtime, bundle: MakeBundle) -> None:
    offsets = {
        "boottime": {"secs": 1_000_000, "nanosecs": 0},
        "monotonic": {"secs": 2_000_000, "nanosecs": 5},
    }
    changes = {"/linux/namespaces/-": {"type": "time"}, "/linux/timeOffsets": offsets}
    host = float(Path("/proc/uptime").read_text().split()[0])
    inside = float(runtime.output(bundle("cat /proc/uptime", changes)).split()[0])
    assert 1_000_000 <= inside - host < 1_000_100


@pytest.mark.requires("namespace:time")
@TIME
def test_a_time_namespace_is_joined_by_path(runtime: Runtime, bundle: MakeBundle) -> None:
    with holder("--time", "--boottime", "500000", "--fork", "--kill-child") as outer:
        pid = int(Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0])
        changes = {"/linux/namespaces/-": {"type": "time", "path": f"/proc/{pid}/ns/time"}}
        host = float(Path("/proc/uptime").read_text().split()[0])
        out = runtime.output(bundle("readlink /proc/self/ns/time; cat /proc/uptime", changes)).split()
        assert out[0] == namespace(pid, "time")
        assert 500_000 <= float(out[1]) - host < 500_100


@pytest.mark.core
def test_a_new_user_namespace_maps_root_to_another_user(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    config = bundle("id -u; cat /proc/self/uid_map; exec sleep 1000", user_namespace())
    own_by_mapped_root(config)
    container = runtime.start(config, stdout=pipe)
    assert pipe.readline() == "0"
    assert pipe.readline().split() == ["0", "100000", "65536"]
    assert Path(f"/proc/{container.pid}").stat().st_uid == 100_000
    assert namespace(container.pid, "user") != namespace("self", "user")
    container.delete()


def test_capabilities_in_a_user_namespace_are_those_of_the_config(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle("cat /proc/self/status", user_namespace())
    own_by_mapped_root(config)
    status = parse_status(runtime.output(config))
    assert int(status["CapEff"], 16) == (1 << 5) | (1 << 10) | (
        1 << 29
    )  # KILL, NET_BIND_SERVICE, AUDIT_WRITE


def test_a_user_namespace_owns_the_others_of_the_container(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = user_namespace()
    for name in ("bounding", "effective", "permitted"):
        changes[f"/process/capabilities/{name}"] = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN"]
    changes["/root/readonly"] = False
    config = bundle("ip link set lo down && hostname other && mount -t tmpfs none /mnt && hostname", changes)
    own_by_mapped_root(config)
    assert runtime.output(config) == "other\n"


def user_namespace() -> dict[str, Any]:
    """Changes that give a container a user namespace of its own."""
    mapping = [{"containerID": 0, "hostID": 100_000, "size": 65_536}]
    return {
        "/linux/namespaces/-": {"type": "user"},
        "/linux/uidMappings": mapping,
        "/linux/gidMappings": mapping,
    }


def own_by_mapped_root(config: Any) -> None:
    """Give the root file system to the user that is root inside."""
    config.own_by(100_000)
