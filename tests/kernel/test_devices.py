# SPDX-License-Identifier: Apache-2.0
"""Devices: the default nodes and links, those of the config, and the rules for what may be opened."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import processes
from support.bundles import ABSENT, bind
from support.processes import Pipe
from support.runtime import Runtime

DEFAULT = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
# A device that opens without capabilities, and that no container has by default.
FUSE = {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229, "fileMode": 0o666}
DENY_ALL = {"allow": False, "access": "rwm"}
MKNOD = {f"/process/capabilities/{s}": ["CAP_MKNOD"] for s in ("bounding", "effective", "permitted")}


def rules(*listed: dict[str, Any]) -> dict[str, Any]:
    """Changes that set the device rules."""
    return {"/linux/resources/devices": [DENY_ALL, *listed]}


def allow(major: int, minor: int, access: str = "rwm", kind: str = "c") -> dict[str, Any]:
    """One rule."""
    return {"allow": True, "type": kind, "major": major, "minor": minor, "access": access}


@pytest.mark.parametrize("name", DEFAULT)
def test_a_default_node_is_there(runtime: Runtime, bundle: MakeBundle, name: str) -> None:
    out = runtime.output(bundle(["stat", "-c", "%F %t %T %a %u %g", f"/dev/{name}"]))
    major, minor = DEFAULT[name]
    assert out.split() == ["character", "special", "file", str(major), str(minor), "666", "0", "0"]


def test_the_default_nodes_are_seen_from_outside(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000"), stdout=pipe)
    pipe.readline()
    found = {name: Path(f"/proc/{container.pid}/root/dev/{name}").stat() for name in DEFAULT}
    container.delete()
    assert all(stat.S_ISCHR(node.st_mode) for node in found.values())


def test_the_default_nodes_work(runtime: Runtime, bundle: MakeBundle) -> None:
    script = (
        "echo x > /dev/null && head -c 3 /dev/zero | wc -c && head -c 2 /dev/urandom | wc -c;"
        "echo x > /dev/full || echo full"
    )
    result = runtime.run(bundle(script))
    assert result.out.split() == ["3", "2", "full"], str(result)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
        ("ptmx", "pts/ptmx"),
    ],
)
def test_a_default_link_is_there(runtime: Runtime, bundle: MakeBundle, link: str, target: str) -> None:
    assert runtime.output(bundle(["readlink", f"/dev/{link}"])).strip() == target


@pytest.mark.core
def test_a_mount_in_the_place_of_a_default_node_stays(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    """As with `-v /dev/urandom:/dev/random`."""
    changes = bind(Path("/dev/urandom"), "bind", destination="/dev/random")
    container = runtime.start(bundle("stat -c %T /dev/random; exec sleep 1000", changes), stdout=pipe)
    assert pipe.readline() == "9"
    assert (
        Path(f"/proc/{container.pid}/root/dev/random").stat().st_rdev == Path("/dev/urandom").stat().st_rdev
    )
    container.delete()


def test_a_device_of_the_config_is_made(runtime: Runtime, bundle: MakeBundle) -> None:
    device = {
        "path": "/dev/filled",
        "type": "c",
        "major": 1,
        "minor": 7,
        "fileMode": 0o640,
        "uid": 3,
        "gid": 4,
    }
    changes = {"/linux/devices/-": device, **rules(allow(1, 7))}
    out = runtime.output(bundle(["stat", "-c", "%t %T %a %u %g", "/dev/filled"], changes))
    assert out.split() == ["1", "7", "640", "3", "4"]


@pytest.mark.parametrize(
    ("kind", "word"), [("b", "block"), ("c", "character"), ("u", "character"), ("p", "fifo")]
)
def test_a_device_has_the_type_of_the_config(
    runtime: Runtime, bundle: MakeBundle, kind: str, word: str
) -> None:
    device = {"path": "/dev/made", "type": kind, **({} if kind == "p" else {"major": 7, "minor": 42})}
    changes = {"/linux/devices/-": device}
    assert runtime.output(bundle(["stat", "-c", "%F", "/dev/made"], changes)).split()[0] == word


def test_a_device_below_a_missing_folder_is_made(runtime: Runtime, bundle: MakeBundle) -> None:
    device = {"path": "/dev/some/where/null", "type": "c", "major": 1, "minor": 3, "fileMode": 0o666}
    out = runtime.output(
        bundle(["stat", "-c", "%t %T", "/dev/some/where/null"], {"/linux/devices/-": device})
    )
    assert out.split() == ["1", "3"]


def test_a_device_is_bound_in_a_user_namespace(runtime: Runtime, bundle: MakeBundle) -> None:
    mapping = [{"containerID": 0, "hostID": 100_000, "size": 65_536}]
    changes = {
        "/linux/namespaces/-": {"type": "user"},
        "/linux/uidMappings": mapping,
        "/linux/gidMappings": mapping,
        "/linux/devices/-": {"path": "/dev/filled", "type": "c", "major": 1, "minor": 7, "fileMode": 0o666},
    }
    config = bundle("echo x > /dev/null && echo null; stat -c '%t %T' /dev/zero", changes)
    del config.config["linux"]["devices"]
    config.write()
    config.own_by(100_000)
    assert runtime.output(config).split() == ["null", "1", "5"]


@pytest.mark.core
def test_a_device_that_no_rule_allows_cannot_be_opened(runtime: Runtime, bundle: MakeBundle) -> None:
    result = runtime.run(bundle("cat /dev/fuse > /dev/null", {"/linux/devices/-": FUSE, **rules()}))
    assert "Operation not permitted" in result.err


@pytest.mark.core
def test_the_default_nodes_open_though_all_is_denied(runtime: Runtime, bundle: MakeBundle) -> None:
    script = "for n in null zero full random urandom; do : < /dev/$n || exit 1; done; echo all"
    assert runtime.output(bundle(script, rules())) == "all\n"


def test_a_rule_allows_a_device(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/devices/-": FUSE, **rules(allow(10, 229, "rw"))}
    assert runtime.output(bundle(": < /dev/fuse && echo opened", changes)) == "opened\n"


def test_a_rule_allows_reading_alone(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/devices/-": FUSE, **rules(allow(10, 229, "r"))}
    result = runtime.run(bundle(": < /dev/fuse && echo read; : > /dev/fuse || echo denied", changes))
    assert result.out == "read\n"
    assert "Operation not permitted" in result.err


def test_a_later_rule_takes_back_what_an_earlier_one_gave(runtime: Runtime, bundle: MakeBundle) -> None:
    denied = {**allow(10, 229), "allow": False}
    changes = {"/linux/devices/-": FUSE, **rules(allow(10, 229), denied)}
    assert "Operation not permitted" in runtime.run(bundle(": < /dev/fuse", changes)).err


def test_a_rule_without_a_minor_number_is_for_all_of_them(runtime: Runtime, bundle: MakeBundle) -> None:
    rule = {"allow": True, "type": "c", "major": 10, "access": "rwm"}
    changes = {"/linux/devices/-": FUSE, **rules(rule)}
    assert runtime.output(bundle(": < /dev/fuse && echo opened", changes)) == "opened\n"


def test_any_device_may_be_made_but_not_opened(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {**MKNOD, **rules(allow(7, 99, "m"))}
    result = runtime.run(bundle("cd /dev; mknod allowed c 7 99 && echo made; : < allowed", changes))
    assert result.out == "made\n", str(result)
    assert "Operation not permitted" in result.err


@pytest.mark.core
def test_rules_hold_for_a_second_process_too(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.start(bundle("sleep 1000", {"/linux/devices/-": FUSE, **rules()}))
    assert "Operation not permitted" in container.exec("sh", "-c", ": < /dev/fuse").err
    container.delete()


def test_without_rules_that_allow_it_all_devices_may_be_opened(runtime: Runtime, bundle: MakeBundle) -> None:
    everything = {"allow": True, "access": "rwm"}
    changes = {"/linux/devices/-": FUSE, "/linux/resources/devices": [everything]}
    assert runtime.output(bundle(": < /dev/fuse && echo opened", changes)) == "opened\n"


@pytest.mark.views("hybrid")
def test_the_v1_list_says_what_is_allowed(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle("sleep 1000", rules(allow(10, 229, "rw"))))
    listed = (
        (runtime.view.cgroup("devices", container.bundle.cgroup) / "devices.list").read_text().splitlines()
    )
    container.delete()
    assert "c 10:229 rw" in listed
    assert "a *:* rwm" not in listed


@pytest.mark.estiba_only
@pytest.mark.requires("root")
def test_devices_that_are_bound_into_a_folder_of_the_image_are_so_again(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    """Who may make no nodes binds the host's, onto files that stay in the image."""
    kinds = [{"type": kind} for kind in ("pid", "mount", "ipc")]
    config = bundle("echo gone > /dev/null && wc -c < /dev/null", {"/linux/namespaces": kinds})
    mounts = [m for m in config.config["mounts"] if not m["destination"].startswith(("/dev", "/sys"))]
    config.change("/mounts", mounts)
    config.change("/root/readonly", False)
    config.change("/hostname", ABSENT)
    ids = "0 0 65536"
    with processes.holder(
        "--user", "--mount", uid_map=ids, gid_map=ids, prefix=tuple(runtime.view.enter())
    ) as pid:
        runtime.prefix = ["nsenter", f"--target={pid}", "--user", "--mount"]
        words = ["--cgroup-manager=disabled", "run", "--bundle", str(config.path), config.id]
        assert [runtime.must(*words).out for _ in range(2)] == ["0\n", "0\n"]
