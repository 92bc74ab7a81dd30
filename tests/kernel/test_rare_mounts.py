# SPDX-License-Identifier: Apache-2.0
"""Bind mounts that show mapped ids or know symbolic links, and whose way nobody can turn."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import bundles, mountinfo, processes
from support.processes import Pipe
from support.runtime import Runtime
from support.tracing import Trace

pytestmark = pytest.mark.estiba_only

RANGE = [{"containerID": 0, "hostID": 100000, "size": 65536}]
ZERO_TO_SEVEN = [{"containerID": 0, "hostID": 7, "size": 1}]
USER_NAMESPACE = {
    "/linux/namespaces/-": {"type": "user"},
    "/linux/uidMappings": RANGE,
    "/linux/gidMappings": RANGE,
}
bind = functools.partial(bundles.bind, destination="/mnt")
OWNERS = ["stat", "-c", "%u %g", "/mnt/file"]


def mapped(source: Path, *options: str) -> dict[str, Any]:
    """A change that adds a bind mount with mappings of its own."""
    return bind(source, *options, uidMappings=ZERO_TO_SEVEN, gidMappings=ZERO_TO_SEVEN)


def test_without_idmap_root_of_the_host_is_nobody_inside(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    config = bundle(OWNERS, {**USER_NAMESPACE, **bind(volume, "bind")})
    assert runtime.output(config) == "65534 65534\n"


def test_idmap_shows_ids_as_the_containers_namespace_maps_them(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    os.chown(volume / "file", 3, 4)
    config = bundle(OWNERS, {**USER_NAMESPACE, **bind(volume, "bind", "idmap")})
    assert runtime.output(config) == "3 4\n"


def test_idmap_by_the_namespace_that_the_container_joins(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    lines = "0 100000 65536"
    with processes.holder("--user", uid_map=lines, gid_map=lines, prefix=tuple(runtime.view.enter())) as pid:
        joined = {"/linux/namespaces/-": {"type": "user", "path": f"/proc/{pid}/ns/user"}}
        result = runtime.run(bundle(OWNERS, {**joined, **bind(volume, "bind", "idmap")}))
    assert result.out == "0 0\n", str(result)


def test_a_mounts_own_mappings_need_no_user_namespace(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    assert runtime.output(bundle(OWNERS, mapped(volume, "bind", "idmap"))) == "7 7\n"


def test_mappings_without_the_option_are_taken_too(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    assert runtime.output(bundle(OWNERS, mapped(volume, "bind"))) == "7 7\n"


def test_what_is_written_through_a_mapped_mount_is_the_hosts(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    config = bundle(
        "touch /mnt/new", {**mapped(volume, "bind", "idmap"), "/process/user": {"uid": 7, "gid": 7}}
    )
    runtime.output(config)
    made = (volume / "new").stat()
    assert (made.st_uid, made.st_gid) == (0, 0)


def test_idmap_leaves_the_mounts_below_alone(runtime: Runtime, bundle: MakeBundle, nested: Path) -> None:
    config = bundle("stat -c %u /mnt/file /mnt/inner/deep", mapped(nested, "rbind", "idmap"))
    assert runtime.output(config).split() == ["7", "0"]


def test_ridmap_maps_the_mounts_below(runtime: Runtime, bundle: MakeBundle, nested: Path) -> None:
    config = bundle("stat -c %u /mnt/file /mnt/inner/deep", mapped(nested, "rbind", "ridmap"))
    assert runtime.output(config).split() == ["7", "7"]


def test_the_mapped_mount_is_seen_from_outside(
    runtime: Runtime, bundle: MakeBundle, volume: Path, pipe: Pipe
) -> None:
    config = bundle("echo ready; exec sleep 1000", mapped(volume, "bind", "idmap", "ro"))
    container = runtime.start(config, stdout=pipe)
    pipe.readline()
    options = mountinfo.of(container.pid, "/mnt").options
    container.delete()
    assert {"idmapped", "ro"} <= options


def test_a_file_system_that_cannot_map_ids_is_refused_with_the_reason(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    result = runtime.run(bundle("true", mapped(Path("/proc/sys"), "bind", "idmap")))
    assert result.code != 0
    assert 'cannot map the ids of "/proc/sys"' in result.err
    assert "cannot map ids\n" in result.err


def test_mapped_ids_of_a_new_file_system_are_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    mount = {"destination": "/volume", "type": "tmpfs", "options": ["idmap"]}
    result = runtime.run(bundle("true", {"/mounts/-": {**mount, "uidMappings": RANGE, "gidMappings": RANGE}}))
    assert "only a bind mount can have its ids mapped" in result.err


def test_a_user_namespace_takes_as_many_binds_as_the_caller_may_have_open(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    """Each of them is handed to init."""
    config = bundle("grep -c /many/ /proc/self/mountinfo", USER_NAMESPACE)
    mount = {"type": "bind", "source": str(volume), "options": ["bind"]}
    config.config["mounts"] += [{"destination": f"/tmp/many/{number}", **mount} for number in range(200)]
    config.write()
    config.own_by(100000)
    assert runtime.output(config) == "200\n"


def test_copy_symlink_makes_the_same_link(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    (volume / "link").symlink_to("somewhere/else")
    changes = {
        **bind(volume / "link", "rbind", "rprivate", "ro", "copy-symlink", destination="/opt/deep/link"),
        "/root/readonly": False,
    }
    assert runtime.output(bundle(["readlink", "/opt/deep/link"], changes)) == "somewhere/else\n"


@pytest.mark.parametrize("namespace", [{}, USER_NAMESPACE])
def test_copy_symlink_binds_what_is_no_link(
    runtime: Runtime, bundle: MakeBundle, volume: Path, namespace: dict[str, Any]
) -> None:
    changes = {**namespace, **bind(volume / "file", "bind", "copy-symlink", destination="/etc/group")}
    assert runtime.output(bundle(["cat", "/etc/group"], changes)) == "from the host\n"


def test_copy_symlink_in_a_user_namespace(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    (volume / "link").symlink_to("target")
    changes = {**USER_NAMESPACE, **bind(volume / "link", "bind", "copy-symlink", destination="/tmp/link")}
    config = bundle(["readlink", "/tmp/link"], changes)
    config.own_by(100000)
    assert runtime.output(config) == "target\n"


def test_copy_symlink_does_not_replace_another_link(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    (volume / "link").symlink_to("target")
    config = bundle("true", bind(volume / "link", "bind", "copy-symlink", destination="/link"))
    (config.rootfs / "link").symlink_to("another")
    result = runtime.run(config)
    assert result.code != 0
    assert "there already (EEXIST)" in result.err
    assert (config.rootfs / "link").readlink() == Path("another")


def test_src_nofollow_mounts_the_link_itself(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    (volume / "link").symlink_to("/etc/passwd")
    changes = bind(volume / "link", "bind", "src-nofollow", destination="/mnt/here")
    config = bundle(["readlink", "/mnt/here"], changes)
    (config.rootfs / "mnt" / "here").touch()
    assert runtime.output(config) == "/etc/passwd\n"


def test_dest_nofollow_mounts_over_the_link_itself(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    changes = bind(volume / "file", "bind", "rprivate", "dest-nofollow", destination="/mnt/link")
    config = bundle("cat /mnt/link /mnt/file", changes)
    (config.rootfs / "mnt" / "file").write_text("of the image\n")
    (config.rootfs / "mnt" / "link").symlink_to("file")
    assert runtime.output(config) == "from the host\nof the image\n"


def test_without_dest_nofollow_the_link_is_followed(
    runtime: Runtime, bundle: MakeBundle, volume: Path
) -> None:
    config = bundle("cat /mnt/link /mnt/file", bind(volume / "file", "bind", destination="/mnt/link"))
    (config.rootfs / "mnt" / "file").write_text("of the image\n")
    (config.rootfs / "mnt" / "link").symlink_to("file")
    assert runtime.output(config) == "from the host\nfrom the host\n"


def test_a_link_of_proc_cannot_be_mounted_over(runtime: Runtime, bundle: MakeBundle, volume: Path) -> None:
    changes = bind(volume / "file", "bind", "dest-nofollow", destination="/proc/self")
    result = runtime.run(bundle("true", changes))
    assert result.code != 0
    assert "too many symbolic links (ELOOP)" in result.err


@pytest.mark.requires("command:strace")
@pytest.mark.parametrize(
    "mount",
    [
        {"type": "tmpfs", "source": "tmpfs", "options": ["size=1m", "tmpcopyup", "ro"]},
        {"type": "bind", "source": "/etc", "options": ["bind", "rro", "rslave"]},
    ],
    ids=["a filled tmpfs", "a bind and its propagation"],
)
def test_the_way_to_a_mount_is_walked_once(
    runtime: Runtime, bundle: MakeBundle, mount: dict[str, Any]
) -> None:
    """Walked again after the mount, it could lead to another one: the root may be somebody's to change."""
    config = bundle(["true"], {"/mounts/-": {"destination": "/there", **mount}})
    (config.rootfs / "there").mkdir()
    trace = Trace(runtime, "run", "--bundle", str(config.path), config.id, options=["-e", "trace=openat2"])
    assert trace.finish().code == 0
    assert len([line for line in trace.lines if '"/there"' in line]) == 1
