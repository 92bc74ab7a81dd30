# SPDX-License-Identifier: Apache-2.0
"""The systemd cgroup manager: a container's cgroup is a scope, which systemd knows, keeps as it is, and forgets."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOTLESS_UID, MakeBundle
from support.bundles import Bundle
from support.runtime import Container, Runtime, command, prepare
from vm.cgroup_files import MOUNT_POINT

FOREVER = ["sleep", "1000"]
SLICE = "estiba-tests.slice"
USER = "nobody-else"
FOLDER = MOUNT_POINT / "estiba.slice" / SLICE
LIMITS: dict[str, Any] = {
    "/linux/resources/memory": {"limit": 64 << 20, "reservation": 32 << 20, "swap": 96 << 20},
    "/linux/resources/pids": {"limit": 20},
    "/linux/resources/cpu": {"shares": 512, "quota": 20_050, "period": 100_000, "cpus": "0", "mems": "0"},
}
FILES = {
    "memory.max": str(64 << 20),
    "memory.low": str(32 << 20),
    "memory.swap.max": str(32 << 20),
    "pids.max": "20",
    "cpu.weight": "59",
    "cpu.max": "20050 100000",
    "cpuset.cpus": "0",
    "cpuset.mems": "0",
}
PROPERTIES = {
    "MemoryMax": str(64 << 20),
    "MemoryLow": str(32 << 20),
    "MemorySwapMax": str(32 << 20),
    "TasksMax": "20",
    "CPUWeight": "59",
    "CPUQuotaPerSecUSec": "210ms",  # in hundredths of a processor
    "AllowedCPUs": "0",
    "AllowedMemoryNodes": "0",
}
Scoped = Callable[..., Bundle]


def systemctl(*words: str) -> str:
    """Ask the system's manager."""
    done = subprocess.run(["systemctl", *words], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def show(unit: str, *names: str) -> dict[str, str]:
    """Properties of a unit."""
    lines = systemctl("show", unit, *(f"--property={name}" for name in names)).splitlines()
    return dict(line.split("=", 1) for line in lines)


def units() -> list[str]:
    """The scopes of these tests that systemd knows, failed ones included."""
    listed = systemctl("list-units", "--all", "--plain", "--no-legend", "--type=scope").splitlines()
    return [line.split()[0] for line in listed if line.startswith("test-")]


@pytest.fixture(params=["private", "bus"])
def systemd(request: pytest.FixtureRequest, runtime: Runtime) -> Iterator[Runtime]:
    """The runtime with --systemd-cgroup, by both ways to the manager."""
    if request.param == "bus":
        # Alone: the rest of a system's start would clean /tmp.
        systemctl("start", "--job-mode=ignore-dependencies", "dbus.socket", "dbus.service")
    runtime.words = [*runtime.words, "--systemd-cgroup"]
    yield runtime
    if request.param == "bus":
        systemctl("stop", "dbus.socket", "dbus.service")
        Path("/run/dbus/system_bus_socket").unlink(missing_ok=True)
    assert units() == []


@pytest.fixture
def scoped(bundle: MakeBundle) -> Scoped:
    """Make bundles whose cgroupsPath names a scope, `test-ID.scope`."""

    def make(program: Any = FOREVER, changes: dict[str, Any] | None = None, **named: str) -> Bundle:
        made = bundle(program, changes)
        made.change("/linux/cgroupsPath", named.get("path", f"{SLICE}:test:{made.id}"))
        return made

    return make


def folder_of(container: Container) -> Path:
    """The cgroup that the kernel says init is in."""
    [line] = Path(f"/proc/{container.pid}/cgroup").read_text().splitlines()
    return MOUNT_POINT / line.removeprefix("0::/")


@pytest.mark.core
def test_a_container_is_a_scope_of_its_own(systemd: Runtime, scoped: Scoped) -> None:
    """In its slice, delegated, with init alone in it; gone from systemd's list after `delete`."""
    container = systemd.create(scoped())
    unit = f"test-{container.id}.scope"
    assert folder_of(container) == FOLDER / unit
    assert (FOLDER / unit / "cgroup.procs").read_text() == f"{container.pid}\n"
    known = show(unit, "ActiveState", "Slice", "Delegate", "Description", "TasksMax")
    assert known == {
        "ActiveState": "active",
        "Slice": SLICE,
        "Delegate": "yes",
        "Description": f"container {container.id}",
        "TasksMax": "infinity",
    }
    container.start()
    assert container.exec("cat", "/proc/self/cgroup").out == "0::/\n"
    systemd.must("pause", container.id)
    assert container.status() == "paused"
    systemd.must("resume", container.id)
    container.delete()
    assert (units(), (FOLDER / unit).exists()) == ([], False)


@pytest.mark.core
def test_limits_are_in_the_cgroup_and_known_to_systemd(systemd: Runtime, scoped: Scoped) -> None:
    """So a reload of its units, which writes them again, changes nothing."""
    container = systemd.create(scoped(FOREVER, LIMITS))
    unit, folder = f"test-{container.id}.scope", folder_of(container)

    def read() -> dict[str, str]:
        return {name: (folder / name).read_text().strip() for name in FILES}

    assert read() == FILES
    assert show(unit, *PROPERTIES) == PROPERTIES
    systemctl("daemon-reload")
    assert read() == {**FILES, "cpu.max": read()["cpu.max"]}
    systemd.must(
        "update", "--memory", str(48 << 20), "--memory-swap", "-1", "--pids-limit", "30", container.id
    )
    changed = {"memory.max": str(48 << 20), "memory.swap.max": "max", "pids.max": "30"}
    assert {name: read()[name] for name in changed} == changed
    assert show(unit, "MemoryMax", "MemorySwapMax", "TasksMax") == {
        "MemoryMax": str(48 << 20),
        "MemorySwapMax": "infinity",
        "TasksMax": "30",
    }
    systemctl("daemon-reload")
    assert {name: read()[name] for name in changed} == changed
    container.delete()


def test_a_quota_or_a_period_alone_is_kept_with_the_other(systemd: Runtime, scoped: Scoped) -> None:
    """systemd counts what they make together, and writes that down again."""
    container = systemd.create(scoped(FOREVER, LIMITS))
    unit, folder = f"test-{container.id}.scope", folder_of(container)
    for word, value, per_second, written in (
        ("--cpu-period", "40000", "510ms", "20400 40000"),
        ("--cpu-quota", "10000", "250ms", "10000 40000"),
    ):
        systemd.must("update", word, value, container.id)
        for _ in range(2):
            assert (folder / "cpu.max").read_text() == f"{written}\n"
            assert show(unit, "CPUQuotaPerSecUSec") == {"CPUQuotaPerSecUSec": per_second}
            systemctl("daemon-reload")
    container.delete()


def test_a_raw_value_with_a_unit_outlives_a_reload(systemd: Runtime, scoped: Scoped) -> None:
    """As the kernel takes it."""
    container = systemd.create(scoped(FOREVER, {"/linux/resources/unified": {"memory.high": "64M"}}))
    systemctl("daemon-reload")
    assert (folder_of(container) / "memory.high").read_text() == f"{64 << 20}\n"
    container.delete()


def test_a_refused_update_is_not_told(systemd: Runtime, scoped: Scoped, folder: Path) -> None:
    """Neither to the kernel nor to systemd, which would write it."""
    container = systemd.start(scoped(FOREVER, {"/linux/resources/memory": {"limit": 64 << 20}}))
    resources = folder / "resources"
    resources.write_text('{"memory": {"limit": 4096, "checkBeforeUpdate": true}}')
    refused = systemd.call("update", "--resources", str(resources), container.id)
    assert (refused.code, "in use" in refused.err) == (1, True), str(refused)
    known = show(f"test-{container.id}.scope", "MemoryMax")
    assert (container.status(), known) == ("running", {"MemoryMax": str(64 << 20)})
    container.delete()


def test_a_limit_of_one_process_is_the_containers(systemd: Runtime, scoped: Scoped) -> None:
    """What keeps the scope meanwhile does not take its place."""
    container = systemd.create(scoped(FOREVER, {"/linux/resources/pids": {"limit": 1}}))
    assert (folder_of(container) / "pids.max").read_text() == "1\n"
    assert show(f"test-{container.id}.scope", "TasksMax") == {"TasksMax": "1"}
    container.start()
    container.delete()


def test_a_memory_limit_too_small_to_start_in_is_told(systemd: Runtime, scoped: Scoped) -> None:
    """The kernel ends whom it finds in the cgroup, and not the runtime with it."""
    for power in range(12, 21):
        config = scoped(FOREVER, {"/linux/resources/memory": {"limit": 1 << power}})
        made = systemd.call("create", "--bundle", str(config.path), config.id)
        assert (power, made.code) in ((power, 0), (power, 1)), str(made)
        systemd.must("delete", "--force", config.id)


def test_a_name_that_has_failed_is_free(systemd: Runtime, scoped: Scoped) -> None:
    """Whoever's unit it was; one that lives is told, and left alone."""
    config = scoped("true")
    unit = f"test-{config.id}.scope"
    words = ["systemd-run", "--scope", f"--unit={unit}"]
    assert subprocess.run([*words, "--property=RuntimeMaxSec=1ms", *FOREVER], check=False).returncode != 0
    systemctl("stop", unit)  # waits for its end
    assert show(unit, "ActiveState") == {"ActiveState": "failed"}
    assert systemd.output(config) == ""
    with subprocess.Popen([*words, *FOREVER], stderr=subprocess.PIPE, text=True) as other:
        assert other.stderr is not None
        assert unit in other.stderr.readline()
        refused = systemd.run(config)
        assert refused.err.splitlines() == [
            f'config.json /linux/cgroupsPath: systemd refuses StartTransientUnit "{unit}": a unit has that name',
            "hint: choose another name, or stop that unit",
        ]
        assert other.poll() is None
        systemctl("stop", unit)


def test_the_unit_of_whoever_came_after_is_not_ended(systemd: Runtime, scoped: Scoped) -> None:
    """systemd ends a scope where its processes end: the name is free before `delete`."""
    first = systemd.create(scoped())
    unit = f"test-{first.id}.scope"
    systemctl("stop", unit)
    second = systemd.create(scoped(path=f"{SLICE}:test:{first.id}"))
    first.delete()
    assert (second.status(), show(unit, "ActiveState")) == ("created", {"ActiveState": "active"})
    second.delete()


def test_a_run_leaves_no_unit(systemd: Runtime, scoped: Scoped) -> None:
    """Nor does one whose program cannot be started, nor a limit that the kernel refuses; the name is free each time."""
    path = f"{SLICE}:test:again"
    for _ in range(3):
        assert systemd.output(scoped("cat /proc/self/cgroup", path=path)) == "0::/\n"
        assert systemd.run(scoped(["/absent"], path=path)).code == 1
        refused = systemd.run(scoped(FOREVER, {"/linux/resources/cpu": {"cpus": "4000"}}, path=path))
        assert refused.code == 1
        assert refused.err.startswith("config.json /linux/resources/cpu/cpus: "), refused.err
        assert units() == []


def test_properties_of_the_unit_are_not_taken_from_annotations(systemd: Runtime, scoped: Scoped) -> None:
    """Whoever writes an image or a pod would have the host's manager run programs (CVE-2024-3154)."""
    name = "org.systemd.property.ExecStopPost"
    config = scoped("true", {f"/annotations/{name}": "['/bin/touch', '/evil']"})
    result = systemd.run(config)
    said = f'config.json /annotations/{name}: "{name}" is ignored: no property of the unit is taken from annotations'
    assert (result.code, said in result.err) == (0, True), str(result)


def test_a_scope_that_lives_is_not_taken_over(systemd: Runtime, scoped: Scoped) -> None:
    """Nor ended by what is done about the refusal."""
    first = systemd.create(scoped())
    second = scoped(path=f"{SLICE}:test:{first.id}")
    refused = systemd.call("create", "--bundle", str(second.path), second.id)
    assert refused.code == 1
    assert refused.err.startswith("config.json /linux/cgroupsPath: the cgroup "), refused.err
    assert "has processes already" in refused.err
    systemd.must("delete", "--force", second.id)
    assert first.status() == "created"
    first.delete()


def test_a_path_that_names_no_scope_is_refused(systemd: Runtime, scoped: Scoped) -> None:
    """Before anything is made."""
    for path in ("/a/b", "no-slice:test:x", f"{SLICE}:test:"):
        refused = systemd.run(scoped(path=path))
        assert refused.code == 1
        assert refused.err.startswith(f'config.json /linux/cgroupsPath: "{path}" '), refused.err


def test_a_create_that_is_killed_while_it_speaks_leaves_nothing(systemd: Runtime, scoped: Scoped) -> None:
    """At each of its messages: the unit goes with what was kept in it, the rest by `delete --force`."""
    for message in itertools.count(1):
        config = scoped()
        kill = f"inject=sendto:signal=KILL:when={message}"
        systemd.prefix = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=sendto", "-e", kill]
        code = systemd.call("create", "--bundle", str(config.path), config.id).code
        systemd.prefix = []
        systemd.must("delete", "--force", config.id)
        assert systemd.output(scoped("true", path=f"{SLICE}:test:{config.id}")) == ""
        if code == 0:
            break
        assert code == 128 + 9
    assert message > 4  # the greeting, a question, the scope, init


@pytest.fixture
def user_manager() -> Iterator[Path]:
    """A systemd of the user without privileges, in a cgroup of that user's; gives a leaf for the user's commands."""
    home = Path(f"/run/user/{ROOTLESS_UID}")
    home.mkdir(parents=True)
    os.chown(home, ROOTLESS_UID, ROOTLESS_UID)
    subprocess.run(["useradd", f"--uid={ROOTLESS_UID}", "--no-create-home", USER], check=True)  # systemd asks
    properties = {"User": str(ROOTLESS_UID), "Delegate": "yes", "Type": "notify", "DefaultDependencies": "no"}
    words = [f"--property={name}={value}" for name, value in properties.items()]
    words += [f"--setenv={name}={home}" for name in ("XDG_RUNTIME_DIR", "HOME")]
    words += ["/lib/systemd/systemd", "--user"]
    subprocess.run(["systemd-run", "--quiet", "--unit=estiba-user", *words], check=True)
    leaf = MOUNT_POINT / "system.slice/estiba-user.service/leaf"
    leaf.mkdir()
    os.chown(leaf, ROOTLESS_UID, ROOTLESS_UID)
    os.chown(leaf / "cgroup.procs", ROOTLESS_UID, ROOTLESS_UID)
    yield leaf
    leaf.rmdir()
    systemctl("stop", "estiba-user.service")
    subprocess.run(["userdel", USER], check=True)
    subprocess.run(["rm", "-r", home], check=True)


@pytest.mark.core
def test_a_users_container_is_a_scope_of_the_users_manager(
    rootless: Runtime, bundle: MakeBundle, rootless_config: dict[str, Any], user_manager: Path
) -> None:
    """In that manager's part of the cgroups, with the limits that reach it."""
    enter = f'echo $$ > {user_manager}/cgroup.procs && exec "$@"'
    rootless.words = [*command(), "--systemd-cgroup"]
    rootless.prefix = ["sh", "-c", enter, "sh", *rootless.prefix]
    config = bundle(FOREVER, {"/linux/resources/pids": {"limit": 20}}, base=rootless_config)
    config.own_by(ROOTLESS_UID)
    container = rootless.create(config)
    above = user_manager.parent
    folder = folder_of(container)
    assert folder == above / "user.slice" / f"estiba-{container.id}.scope"
    assert (folder / "pids.max").read_text() == "20\n"
    rootless.must("update", container.id, "--pids-limit", "5")
    assert (folder / "pids.max").read_text() == "5\n"
    container.delete()
    assert not folder.exists()


def test_without_a_manager_the_reason_is_told(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    """With what to do instead."""
    runtime.words = [*runtime.words, "--systemd-cgroup"]
    prepare(
        runtime,
        "mount -t tmpfs none /run/systemd",
        "if [ -d /run/dbus ]; then mount -t tmpfs none /run/dbus; fi",
    )
    config = bundle("true")
    config.change("/linux/cgroupsPath", f"{SLICE}:test:{config.id}")
    result = runtime.run(config)
    message, hint = result.err.splitlines()
    assert message == 'no systemd manager is at "/run/dbus/system_bus_socket" or "/run/systemd/private"'
    assert (result.code, hint) == (
        1,
        "hint: leave out --systemd-cgroup, or give --cgroup-manager=cgroupfs",
    )
