# SPDX-License-Identifier: Apache-2.0
"""The config.json of `muelle run`: the image's settings, with what the options say over them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from estiba import _core, spec
from estiba.errors import ArgumentInvalid
from estiba.images.config import ImageConfig
from estiba.muelle.parse import Parsed, parse
from estiba.muelle.run.config import INIT, Place, config_of, merged_mounts
from estiba.muelle.run.names import write_names

IMAGE = ImageConfig(
    "amd64",
    "linux",
    {
        "Entrypoint": ["app"],
        "Cmd": ["serve"],
        "Env": ["PATH=/bin", "A=1"],
        "User": "app",
        "WorkingDir": "/srv//app/",
        "Labels": {"own": "label"},
    },
)

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Make configs: `make("-t", command=["x"])`, as for an image with a user "app"."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/home:/bin/sh\n")
    (tmp_path / "etc/group").write_text("staff:x:50:app\naudio:x:29:\n")
    root = os.open(tmp_path, os.O_PATH)

    def made(*args: str, command: tuple[str, ...] = (), **rest: Any) -> dict[str, Any]:
        parsed = Parsed()
        parse(["run", *args, "web"], parsed)
        place = Place(str(tmp_path), root, "host", "web")
        config = config_of(IMAGE, command, parsed.options, place, rest.get("mounts", []), rest.get("init"))
        assert spec.validate(config) == []
        assert _core.prove(config=json.dumps(config).encode()) is None
        return config

    yield made
    os.close(root)


def test_the_image_says_what_runs_and_how(make: Make) -> None:
    """Program, environment, user, folder, labels."""
    config = make()
    process = config["process"]
    assert process["args"] == ["app", "serve"]
    assert process["env"] == ["PATH=/bin", "A=1", "HOSTNAME=host"]
    assert process["user"] == {"uid": 1000, "gid": 1000, "additionalGids": [50, 1000]}
    assert process["cwd"] == "/srv/app"
    assert config["hostname"] == "host"
    assert config["annotations"]["own"] == "label"
    assert config["root"]["readonly"] is False


def test_options_go_before_the_image(make: Make) -> None:
    """Each of them."""
    config = make(
        *("-t", "-e", "A=2", "-u", "0:50", "--group-add", "audio", "-w", "/tmp", "--read-only"),
        *("--entrypoint", "sh", "--network", "host", "--pid", "host", "--sysctl", "kernel.shmmax=1"),
        command=("-c", "true"),
    )
    process = config["process"]
    assert process["args"] == ["sh", "-c", "true"]
    assert process["env"] == ["PATH=/bin", "A=2", "HOSTNAME=host", "TERM=xterm"]
    assert process["user"] == {"uid": 0, "gid": 50, "additionalGids": [29, 50]}
    assert process["cwd"] == "/tmp"
    assert process["terminal"] is True
    assert config["root"]["readonly"] is True
    assert {each["type"] for each in config["linux"]["namespaces"]} == {"ipc", "uts", "mount", "cgroup"}
    assert config["linux"]["sysctl"]["kernel.shmmax"] == "1"


def test_limits_and_devices_stand_beside_each_other(make: Make) -> None:
    """Both are resources."""
    resources = make("-m", "64m", "--device", "/dev/zero:/dev/z:r")["linux"]["resources"]
    assert resources["memory"]["limit"] == 64 << 20
    assert [rule["allow"] for rule in resources["devices"]] == [False, True]


def test_a_privileged_container_has_every_device(make: Make) -> None:
    """And no filter."""
    linux = make("--privileged", "-u", "0")["linux"]
    assert "seccomp" not in linux
    assert "/dev/null" in {device["path"] for device in linux["devices"]}


def test_init_runs_first(make: Make) -> None:
    """Mounted where no image has a file."""
    config = make(init="/usr/bin/catatonit")
    assert config["process"]["args"] == [INIT, "--", "app", "serve"]
    assert config["mounts"][-1]["source"] == "/usr/bin/catatonit"


def test_a_mount_at_the_place_of_a_usual_one_replaces_it() -> None:
    """Where that one stood; of the others the outer ones come first, for they would hide the inner ones."""
    usual = [{"destination": "/dev", "type": "tmpfs"}, {"destination": "/dev/shm", "type": "tmpfs"}]
    asked = [{"destination": path, "type": "bind"} for path in ("/x/y", "/dev/shm", "/x")]
    assert merged_mounts(usual, asked) == [usual[0], asked[1], asked[2], asked[0]]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-w", "srv"], '--workdir: "srv" is not an absolute path'),
        (["--sysctl", "kernel.shmmax"], '--sysctl: "kernel.shmmax" is not NAME=VALUE'),
        (["-u", "nobody"], 'user "nobody" is not in /etc/passwd of the image'),
        (["--group-add", "wheel"], 'group "wheel" is not in /etc/group of the image'),
        (["--entrypoint", ""], '"web" says no program to run'),
    ],
)
def test_options_that_cannot_be_are_refused(make: Make, args: list[str], message: str) -> None:
    """In one line."""
    with pytest.raises(ArgumentInvalid) as caught:
        make(*args)
    assert caught.value.message == message


def test_the_files_of_names_are_the_containers_own(tmp_path: Path) -> None:
    """Without a network there is localhost, and itself."""
    mounts = write_names(tmp_path, "web", has_host_network=False, added=["db:10.0.0.7", "six:[::1]"])
    assert [mount["destination"] for mount in mounts] == ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"]
    hosts = (tmp_path / "hosts").read_text()
    assert "127.0.0.1\tlocalhost\n" in hosts and hosts.endswith("127.0.1.1\tweb\n10.0.0.7\tdb\n::1\tsix\n")
    assert (tmp_path / "hostname").read_text() == "web\n"
    write_names(tmp_path, "web", has_host_network=True, added=[])
    assert (tmp_path / "hosts").read_text() == Path("/etc/hosts").read_text()


@pytest.mark.parametrize("name", ["", "a b", "x" * 65])
def test_a_host_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """The kernel holds 64 bytes."""
    with pytest.raises(ArgumentInvalid):
        write_names(tmp_path, name, has_host_network=False, added=[])
