# SPDX-License-Identifier: Apache-2.0
"""Mounts: each kind and option, seen by the program and in the container's mountinfo."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import mountinfo
from support.bundles import bind
from support.processes import Pipe
from support.runtime import Container, Runtime

READY = "echo ready; exec sleep 1000"


def tmpfs(*options: str, destination: str = "/scratch") -> dict[str, Any]:
    """A change that adds a tmpfs."""
    return {
        "/mounts/-": {
            "destination": destination,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": list(options),
        }
    }


def start(runtime: Runtime, bundle: MakeBundle, pipe: Pipe, changes: dict[str, Any]) -> Container:
    """Start a container that has come as far as its program."""
    container = runtime.start(bundle(READY, changes), stdout=pipe)
    assert pipe.readline() == "ready"
    return container


@pytest.mark.parametrize(
    ("point", "kind", "options"),
    [
        ("/proc", "proc", set()),
        ("/dev", "tmpfs", {"nosuid"}),
        ("/dev/pts", "devpts", {"nosuid", "noexec"}),
        ("/dev/shm", "tmpfs", {"nosuid", "noexec", "nodev"}),
        ("/dev/mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
        ("/sys", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
    ],
)
def test_the_default_mount_is_there_with_its_options(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, point: str, kind: str, options: set[str]
) -> None:
    container = start(runtime, bundle, pipe, {})
    mount = mountinfo.of(container.pid, point)
    container.delete()
    assert mount.kind == kind
    assert options <= mount.options


@pytest.mark.parametrize(
    "point", ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"]
)
def test_the_program_finds_the_default_mounts(runtime: Runtime, bundle: MakeBundle, point: str) -> None:
    assert runtime.run(bundle(["grep", "-q", f" {point} ", "/proc/self/mountinfo"])).code == 0


def test_proc_shows_the_containers_processes_alone(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("cd /proc; echo [0-9]*")).split() == ["1"]


def test_the_root_is_the_bundles_and_nothing_of_the_host_is_mounted(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = start(runtime, bundle, pipe, {})
    mounts = mountinfo.parse(Path(f"/proc/{container.pid}/mountinfo").read_text())
    root, others = mounts[0], mounts[1:]
    assert (root.point, "ro" in root.options) == ("/", True)
    assert root.root.endswith(f"/{container.id}/rootfs")
    container.delete()
    assert [m.point for m in others if not m.point.startswith(("/proc", "/dev", "/sys"))] == []


def test_a_read_only_root_cannot_be_written(runtime: Runtime, bundle: MakeBundle) -> None:
    result = runtime.run(bundle("touch /file"))
    assert "Read-only file system" in result.err


def test_a_writable_root_is_written_in_the_bundle(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("echo written > /file", {"/root/readonly": False})
    runtime.output(config)
    assert (config.rootfs / "file").read_text() == "written\n"


def test_a_folder_is_bound(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    assert runtime.output(bundle("cat /volume/file", bind(volume, "bind"))) == "from the host\n"


def test_a_file_is_bound(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    changes = bind(volume / "file", "bind", destination="/etc/file")
    assert runtime.output(bundle("cat /etc/file", changes)) == "from the host\n"


def test_writes_to_a_bound_folder_reach_the_host(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    runtime.output(bundle("echo inside > /volume/file", bind(volume, "bind", "rw")))
    assert (volume / "file").read_text() == "inside\n"


def test_a_bound_source_is_relative_to_the_bundle(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("cat /volume/file", bind(Path("data"), "bind"))
    (config.path / "data").mkdir()
    (config.path / "data" / "file").write_text("relative\n")
    assert runtime.output(config) == "relative\n"


def test_a_bind_ignores_the_options_of_a_file_system(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    changes = bind(volume, "bind", "mode=700", "size=1k")
    assert runtime.output(bundle("cat /volume/file", changes)) == "from the host\n"


def test_bind_leaves_out_the_mounts_inside(runtime: Runtime, bundle: MakeBundle, nested: Path) -> None:
    assert runtime.output(bundle("ls /volume/inner", bind(nested, "bind"))) == ""


def test_rbind_takes_the_mounts_inside(runtime: Runtime, bundle: MakeBundle, nested: Path) -> None:
    assert runtime.output(bundle("ls /volume/inner", bind(nested, "rbind"))) == "deep\n"


def test_a_read_only_bind_cannot_be_written(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    result = runtime.run(bundle("echo x > /volume/file", bind(volume, "bind", "ro")))
    assert "Read-only file system" in result.err
    assert os.access(volume / "file", os.W_OK)


def test_ro_of_an_rbind_leaves_the_mounts_inside_writable(
    runtime: Runtime, bundle: MakeBundle, nested: Path
) -> None:
    script = "touch /volume/inner/new && echo inner; touch /volume/new || echo outer"
    assert runtime.output(bundle(script, bind(nested, "rbind", "ro"))) == "inner\nouter\n"


def test_rro_makes_the_mounts_inside_read_only(runtime: Runtime, bundle: MakeBundle, nested: Path) -> None:
    script = "touch /volume/inner/new || echo inner; touch /volume/new || echo outer"
    assert runtime.output(bundle(script, bind(nested, "rbind", "rro"))) == "inner\nouter\n"


@pytest.mark.parametrize(
    "option", ["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime", "ro", "nosymfollow"]
)
@pytest.mark.parametrize("kind", ["bind", "tmpfs"])
def test_a_mount_option_is_set(
    request: pytest.FixtureRequest,
    runtime: Runtime,
    bundle: MakeBundle,
    pipe: Pipe,
    volume: Path,
    kind: str,
    option: str,
) -> None:
    changes = bind(volume, "bind", option) if kind == "bind" else tmpfs(option, destination="/volume")
    container = start(runtime, bundle, pipe, changes)
    options = mountinfo.of(container.pid, "/volume").options
    container.delete()
    assert option in options


@pytest.mark.parametrize("option", ["rnosuid", "rnodev", "rnoexec", "rnoatime", "rnosymfollow"])
def test_a_recursive_option_reaches_the_mounts_inside(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, nested: Path, option: str
) -> None:
    container = start(runtime, bundle, pipe, bind(nested, "rbind", option))
    found = [mountinfo.of(container.pid, p).options for p in ("/volume", "/volume/inner")]
    container.delete()
    assert [option[1:] in o for o in found] == [True, True]


def test_noexec_keeps_programs_from_running(runtime: Runtime, bundle: MakeBundle) -> None:
    script = "cp /bin/busybox /scratch/true && /scratch/true"
    assert "Permission denied" in runtime.run(bundle(script, tmpfs("noexec"))).err


def test_tmpfs_takes_size_and_mode(runtime: Runtime, bundle: MakeBundle) -> None:
    script = "stat -c %a /scratch; df -k /scratch | tail -1"
    out = runtime.output(bundle(script, tmpfs("size=1m", "mode=1711"))).split()
    assert (out[0], out[2]) == ("1711", "1024")


def test_tmpcopyup_fills_the_tmpfs_with_what_it_covers(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(
        "cat /data/file /data/sub/deep; readlink /data/link", tmpfs("tmpcopyup", destination="/data")
    )
    (config.rootfs / "data" / "sub").mkdir(parents=True)
    (config.rootfs / "data" / "file").write_text("covered\n")
    (config.rootfs / "data" / "sub" / "deep").write_text("deep\n")
    (config.rootfs / "data" / "link").symlink_to("file")
    assert runtime.output(config) == "covered\ndeep\nfile\n"


def test_without_tmpcopyup_a_tmpfs_is_empty(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("ls -A /data", tmpfs(destination="/data"))
    (config.rootfs / "data").mkdir()
    (config.rootfs / "data" / "file").touch()
    assert runtime.output(config) == ""


@pytest.mark.parametrize(
    ("option", "tags"),
    [("private", set()), ("shared", {"shared"}), ("slave", set()), ("unbindable", {"unbindable"})],
)
def test_a_propagation_option_is_set(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, volume: Path, option: str, tags: set[str]
) -> None:
    container = start(runtime, bundle, pipe, bind(volume, "bind", option))
    found = mountinfo.of(container.pid, "/volume").propagation
    container.delete()
    assert found == tags


def test_rprivate_reaches_the_mounts_inside(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, nested: Path
) -> None:
    container = start(runtime, bundle, pipe, bind(nested, "rbind", "rshared"))
    inner = mountinfo.of(container.pid, "/volume/inner").propagation
    container.delete()
    assert inner == {"shared"}


@pytest.mark.parametrize(
    ("word", "tags"),
    [
        ("private", set()),
        ("rprivate", set()),
        ("shared", {"shared"}),
        ("rshared", {"shared"}),
        ("slave", set()),
        ("unbindable", {"unbindable"}),
        ("runbindable", {"unbindable"}),
    ],
)
@pytest.mark.not_on("runc", "1.1.5 leaves shared out")
def test_rootfs_propagation_is_set(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, word: str, tags: set[str]
) -> None:
    container = start(runtime, bundle, pipe, {"/linux/rootfsPropagation": word})
    found = mountinfo.of(container.pid, "/").propagation
    container.delete()
    assert found == tags


@pytest.fixture
def shared(runtime: Runtime, volume: Path) -> Iterator[Path]:
    """The volume as a mount that shares what is mounted inside."""
    enter = runtime.view.enter()
    subprocess.run([*enter, "mount", "-t", "tmpfs", "volume", volume], check=True)
    subprocess.run([*enter, "mount", "--make-shared", volume], check=True)
    subprocess.run([*enter, "mkdir", volume / "inner"], check=True)
    yield volume
    subprocess.run([*enter, "umount", "--recursive", volume], check=True)


@pytest.mark.parametrize("word", ["shared", "rshared"])
def test_what_is_mounted_in_a_shared_volume_reaches_the_host(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe, shared: Path, word: str
) -> None:
    """As a storage driver mounts for the host, and Kubernetes asks for by mountPropagation: Bidirectional."""
    changes: dict[str, Any] = {"/linux/rootfsPropagation": word, **bind(shared, "rbind", word)}
    for name in ("bounding", "effective", "permitted"):
        changes[f"/process/capabilities/{name}"] = ["CAP_SYS_ADMIN"]
    config = bundle(f"mount -t tmpfs deep /volume/inner; {READY}", changes)
    container = runtime.start(config, stdout=pipe)
    assert pipe.readline() == "ready"
    seen = [line for line in runtime.view.mounts().values() if f" {shared}/inner " in line]
    container.delete()
    assert len(seen) == 1


def test_the_host_keeps_its_mounts_when_its_root_is_shared(runtime: Runtime, bundle: MakeBundle) -> None:
    """A container lets go of the host's root; where that is shared, letting go must not reach the host."""
    config = bundle("true", {"/linux/rootfsPropagation": "rshared"})
    count = 'mount --make-rshared / && before=$(wc -l < /proc/self/mountinfo) && "$@" && '
    count += "test $before = $(wc -l < /proc/self/mountinfo)"
    runtime.prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", count, "sh"]
    assert runtime.run(config).code == 0


def test_a_missing_destination_is_made(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    config = bundle("cat /a/b/c/file", bind(volume, "bind", destination="/a/b/c"))
    assert runtime.output(config) == "from the host\n"
    assert (config.rootfs / "a" / "b" / "c").is_dir()


def test_a_missing_destination_of_a_file_is_made_a_file(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    config = bundle("cat /a/b/file", bind(volume / "file", "bind", destination="/a/b/file"))
    assert runtime.output(config) == "from the host\n"
    assert (config.rootfs / "a" / "b" / "file").is_file()


def test_a_destination_behind_an_absolute_link_stays_in_the_root(
    runtime: Runtime, bundle: MakeBundle, volume: Path, folder: Path
) -> None:
    (folder / "host").mkdir()
    config = bundle("cat /link/under/file", bind(volume, "bind", destination="/link/under"))
    (config.rootfs / "link").symlink_to(folder / "host")
    result = runtime.run(config)
    assert list((folder / "host").iterdir()) == []
    assert result.out in ("from the host\n", "")


def test_mounts_are_made_in_their_order(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    changes = {**tmpfs(destination="/volume/..//data"), "/mounts/0/destination": "/proc"}
    config = bundle("cat /data/inner/file; touch /data/here && echo writable", changes)
    config.change("/mounts/-", bind(volume, "bind", destination="/data/inner")["/mounts/-"])
    assert runtime.output(config) == "from the host\nwritable\n"


def test_the_cgroup_mount_shows_the_containers_cgroup(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    script = "cat /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/pids/cgroup.procs 2>/dev/null | head -1; exec sleep 1000"
    container = runtime.start(bundle(script), stdout=pipe)
    assert pipe.readline() == "1"
    container.delete()


def test_a_read_only_cgroup_mount_cannot_be_written(runtime: Runtime, bundle: MakeBundle) -> None:
    script = "mkdir /sys/fs/cgroup/new /sys/fs/cgroup/pids/new"
    result = runtime.run(bundle(script))
    assert "Read-only file system" in result.err


@pytest.mark.views("hybrid")
@pytest.mark.parametrize("controller", ["cpu", "memory", "pids", "devices", "freezer", "systemd"])
def test_the_v1_hierarchies_are_below_the_cgroup_mount(
    runtime: Runtime, bundle: MakeBundle, controller: str
) -> None:
    assert runtime.run(bundle(["test", "-f", f"/sys/fs/cgroup/{controller}/cgroup.procs"])).code == 0


def test_mqueue_is_of_the_containers_ipc_namespace(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("touch /dev/mqueue/queue && ls /dev/mqueue")) == "queue\n"


def test_devpts_is_a_new_instance(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("ls /dev/pts; stat -c %a /dev/pts/ptmx")).split() == ["ptmx", "666"]


def test_an_unknown_option_goes_to_the_file_system(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.run(bundle("true", tmpfs("nosuch=option"))).code != 0


def test_a_mount_without_type_or_options_but_bind_is_a_bind(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    changes = {"/mounts/-": {"destination": "/volume", "source": str(volume), "options": ["bind"]}}
    assert runtime.output(bundle("cat /volume/file", changes)) == "from the host\n"


def test_the_working_directory_is_inside_the_root(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("cd /..; pwd; ls /")).split()[0] == "/"
