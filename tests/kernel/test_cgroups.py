# SPDX-License-Identifier: Apache-2.0
"""cgroups: where the container is, its limits, and that nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support.runtime import Runtime
from support.tracing import Trace

FOREVER = "sleep 1000"
MIB = 1 << 20


def read(
    runtime: Runtime, bundle: MakeBundle, resources: dict[str, Any], controller: str, v1: str, v2: str
) -> str:
    """Create a container with `resources`; the text of one control file, whose name differs by version."""
    container = runtime.create(bundle(FOREVER, {f"/linux/resources/{k}": v for k, v in resources.items()}))
    cgroup = runtime.view.cgroup(controller, container.bundle.cgroup)
    text = (cgroup / (v2 if runtime.view.name == "v2" else v1)).read_text().strip()
    container.delete()
    return text


@pytest.mark.core
def test_the_container_is_in_the_cgroup_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    for hierarchy in runtime.view.hierarchies:
        if hierarchy.is_v2 and runtime.view.name == "hybrid":
            continue
        folder = hierarchy.mountpoint / container.bundle.cgroup.lstrip("/")
        assert (folder / "cgroup.procs").read_text() == f"{container.pid}\n", folder
    container.delete()


def test_without_a_path_the_cgroup_is_named_by_the_id(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    del config.config["linux"]["cgroupsPath"]
    config.write()
    container = runtime.create(config)
    paths = [line.split(":", 2)[2] for line in Path(f"/proc/{container.pid}/cgroup").read_text().splitlines()]
    container.delete()
    assert any(path.rsplit("/", 1)[-1] in (config.id, f"estiba-{config.id}") for path in paths)


@pytest.mark.estiba_only
def test_systemds_cgroups_are_refused_where_there_are_none(runtime: Runtime, bundle: MakeBundle) -> None:
    """They take cgroup v2 alone, and a manager to ask: this view has not both, and the guest of tests/vm has."""
    config = bundle("true")
    config.change("/linux/cgroupsPath", f"system.slice:test:{config.id}")
    runtime.words = [*runtime.words, "--systemd-cgroup"]
    result = runtime.run(config)
    reasons = {
        "hybrid": "the systemd cgroup manager needs cgroup v2 alone on /sys/fs/cgroup",
        "v2": 'no systemd manager is at "/run/dbus/system_bus_socket" or "/run/systemd/private"',
    }
    assert (result.code, result.err.splitlines()) == (
        1,
        [
            reasons[runtime.view.name],
            "hint: leave out --systemd-cgroup, or give --cgroup-manager=cgroupfs",
        ],
    )


def test_missing_parents_of_the_cgroup_are_made(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(FOREVER)
    config.change("/linux/cgroupsPath", f"{config.cgroup}/deep")
    container = runtime.create(config)
    deep = runtime.view.cgroup("freezer", config.cgroup)
    assert str(container.pid) in (deep / "cgroup.procs").read_text()
    container.delete()
    assert not deep.exists()
    for hierarchy in runtime.view.hierarchies:  # parents are the caller's: no runtime removes them
        made = hierarchy.mountpoint / config.cgroup.lstrip("/").removesuffix("/deep")
        if made.exists():
            made.rmdir()


def test_the_cgroup_is_gone_after_delete(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(FOREVER))
    cgroup = runtime.view.cgroup("freezer", container.bundle.cgroup)
    assert cgroup.exists()
    container.delete()
    assert not cgroup.exists()


def test_a_process_that_the_container_starts_is_in_its_cgroup(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000 & sleep 1000 & wait"))
    container.exec("true")
    cgroup = runtime.view.cgroup("freezer", container.bundle.cgroup)
    assert len((cgroup / "cgroup.procs").read_text().split()) == 3
    container.delete()


@pytest.mark.requires("memory")
def test_the_memory_limit_is_set(runtime: Runtime, bundle: MakeBundle) -> None:
    limit = {"memory": {"limit": 64 * MIB}}
    assert read(runtime, bundle, limit, "memory", "memory.limit_in_bytes", "memory.max") == str(64 * MIB)


@pytest.mark.requires("memory")
def test_the_memory_reservation_is_set(runtime: Runtime, bundle: MakeBundle) -> None:
    value = {"memory": {"reservation": 32 * MIB}}
    assert read(runtime, bundle, value, "memory", "memory.soft_limit_in_bytes", "memory.low") == str(32 * MIB)


@pytest.mark.requires("memory")
def test_a_program_over_the_memory_limit_is_killed(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/resources/memory": {"limit": 16 * MIB}}
    result = runtime.run(bundle("x=$(head -c 100000000 /dev/zero | tr '\\0' x); echo survived", changes))
    assert "survived" not in result.out
    assert result.code != 0


@pytest.mark.requires("pids")
def test_the_pids_limit_is_set(runtime: Runtime, bundle: MakeBundle) -> None:
    assert read(runtime, bundle, {"pids": {"limit": 20}}, "pids", "pids.max", "pids.max") == "20"


@pytest.mark.requires("pids")
def test_a_program_over_the_pids_limit_cannot_fork(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/resources/pids": {"limit": 3}}
    result = runtime.run(bundle("sleep 9 & sleep 9 & sleep 9 & sleep 9 & echo forked", changes))
    assert "can't fork" in result.err


@pytest.mark.requires("cpu")
@pytest.mark.not_on("runc", "1.1.5 makes 1024 shares a weight of 39")
def test_cpu_shares_are_set(runtime: Runtime, bundle: MakeBundle) -> None:
    text = read(runtime, bundle, {"cpu": {"shares": 512}}, "cpu", "cpu.shares", "cpu.weight")
    assert text == ("59" if runtime.view.name == "v2" else "512")


@pytest.mark.requires("cpu")
def test_cpu_quota_and_period_are_set(runtime: Runtime, bundle: MakeBundle) -> None:
    value = {"cpu": {"quota": 20_000, "period": 50_000}}
    text = read(runtime, bundle, value, "cpu", "cpu.cfs_quota_us", "cpu.max")
    assert text == ("20000 50000" if runtime.view.name == "v2" else "20000")


@pytest.mark.requires("cpuset")
def test_cpus_are_set(runtime: Runtime, bundle: MakeBundle) -> None:
    assert read(runtime, bundle, {"cpu": {"cpus": "0"}}, "cpuset", "cpuset.cpus", "cpuset.cpus") == "0"


@pytest.mark.views("v2")
def test_the_unified_map_is_written(runtime: Runtime, bundle: MakeBundle) -> None:
    unified = {"unified": {"cgroup.max.depth": "3"}}
    assert read(runtime, bundle, unified, "freezer", "", "cgroup.max.depth") == "3"


@pytest.mark.parametrize(
    "resources",
    [
        {"cpu": {"shares": 0}},
        {"memory": {}},
        {"pids": {"limit": 0}},
        {"blockIO": {"weight": 0}},
        {"cpu": {"quota": 0}},
    ],
)
@pytest.mark.requires("memory", "pids", "cpu")
def test_zero_means_unset(runtime: Runtime, bundle: MakeBundle, resources: dict[str, Any]) -> None:
    runtime.output(bundle("true", {f"/linux/resources/{k}": v for k, v in resources.items()}))


def test_what_docker_means_by_zero_needs_no_controller(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/resources/blockIO": {"weight": 0}, "/linux/resources/cpu": {"shares": 0}}
    runtime.output(bundle("true", changes))


@pytest.mark.not_on("runc", "it has no such manager")
def test_without_a_cgroup_device_rules_are_not_in_force(runtime: Runtime, bundle: MakeBundle) -> None:
    kinds = [{"type": kind} for kind in ("pid", "mount", "uts", "ipc")]
    config = bundle("cat /proc/self/cgroup", {"/linux/namespaces": kinds})
    words = ("--cgroup-manager=disabled", "run", "--bundle", str(config.path), config.id)
    shown = runtime.must(*words).out
    assert config.cgroup not in shown


@pytest.mark.estiba_only
def test_without_a_cgroup_nobody_lists_processes(runtime: Runtime, bundle: MakeBundle) -> None:
    """An empty list would say that nothing runs."""
    kinds = [{"type": kind} for kind in ("pid", "mount", "uts", "ipc")]
    config = bundle("sleep 1000", {"/linux/namespaces": kinds})
    runtime.must("--cgroup-manager=disabled", "create", "--bundle", str(config.path), config.id)
    lives = runtime.call("ps", "--format", "json", config.id)
    runtime.must("delete", "--force", config.id)
    said = "the list of processes needs a cgroup, and the container has none\n"
    assert (lives.code, lives.out, lives.err[: len(said)]) == (1, "", said)


@pytest.mark.estiba_only
def test_without_a_cgroup_and_its_namespace_the_hosts_are_read_only(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    """CVE-2023-25809: what is mounted is all of the host's."""
    kinds = [{"type": kind} for kind in ("pid", "mount", "uts", "ipc")]
    folder = {"v2": "/sys/fs/cgroup"}.get(runtime.view.name, "/sys/fs/cgroup/freezer")
    config = bundle(f"ls {folder}; echo 0 > {folder}/cgroup.procs", {"/linux/namespaces": kinds})
    for mount in config.config["mounts"]:
        if mount["type"] == "cgroup":
            mount["options"] = ["rw"]
    config.write()
    result = runtime.call("--cgroup-manager=disabled", "run", "--bundle", str(config.path), config.id)
    assert "cgroup.procs" in result.out.split()
    assert (result.code, "Read-only file system" in result.err) == (1, True), str(result)


@pytest.mark.views("v2")
@pytest.mark.estiba_only
@pytest.mark.requires("command:strace")
def test_a_clone_that_the_kernel_takes_back_leaves_no_descriptor_to_close(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    """The number that it has written is another thread's by then."""
    container = runtime.start(bundle(FOREVER))
    cgroup = runtime.view.cgroup("", container.bundle.cgroup)
    for name in ("threaded", "invalid"):
        (cgroup / name).mkdir()
    (cgroup / "threaded" / "cgroup.type").write_text("threaded")  # beside it no process may be: EOPNOTSUPP
    trace = Trace(runtime, "exec", "--cgroup", "invalid", container.id, "true")
    assert trace.until_exit() == 255
    assert "EOPNOTSUPP" in trace.finish().err
    assert any("clone3(" in line for line in trace.lines)
    assert [line for line in trace.lines if " close(" in line and "EBADF" in line] == []
    container.delete()


@pytest.mark.estiba_only
def test_without_a_cgroup_a_limit_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("true", {"/linux/resources/pids": {"limit": 50}})
    result = runtime.call("--cgroup-manager=disabled", "run", "--bundle", str(config.path), config.id)
    assert result.code == 1
    assert (
        'config.json /linux/resources/pids/limit: pids limit needs the cgroup controller "pids"' in result.err
    )


@pytest.mark.views("v2")
@pytest.mark.not_on("runc", "1.1.5 uses the cgroup of create")
def test_exec_follows_a_container_that_was_moved(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle(FOREVER))
    cgroup = runtime.view.cgroup("", container.bundle.cgroup)
    (cgroup / "sub").mkdir()
    (cgroup / "sub" / "cgroup.procs").write_text(str(container.pid))
    pid_file = runtime.folder / "exec.pid"
    container.exec("sleep", "1000", flags=["--detach", "--pid-file", str(pid_file)])
    assert pid_file.read_text() in (cgroup / "sub" / "cgroup.procs").read_text().split()
    container.delete()


@pytest.mark.core
def test_delete_removes_cgroups_that_the_container_made(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/mounts/6/options": ["rw"]}
    for name in ("bounding", "effective", "permitted"):
        changes[f"/process/capabilities/{name}"] = ["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"]
    script = "mkdir /sys/fs/cgroup/own /sys/fs/cgroup/freezer/own 2>/dev/null; ls -d /sys/fs/cgroup/own /sys/fs/cgroup/freezer/own"
    container = runtime.start(bundle(script, changes))
    container.wait()
    assert "/own" in container.out
    container.delete()


@pytest.mark.estiba_only
def test_delete_spares_the_successor_in_the_same_cgroup(
    runtime: Runtime, bundle: MakeBundle, cgroup_parent: str
) -> None:
    shared = {"/linux/cgroupsPath": f"{cgroup_parent}/shared"}
    first = runtime.start(bundle("true", shared))
    first.wait()
    removed = [h.mountpoint / cgroup_parent.lstrip("/") / "shared" for h in runtime.view.hierarchies]
    for folder in removed:
        folder.rmdir()
    second = runtime.start(bundle("exec sleep 1000", shared))
    first.delete()
    assert second.status() == "running"
    second.delete()
