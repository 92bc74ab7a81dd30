# SPDX-License-Identifier: Apache-2.0
"""What the options of `muelle run` mean, before any container is made."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from estiba.errors import ArgumentInvalid
from estiba.muelle.parse import Parsed, parse
from estiba.muelle.run import limits, mounts, rights
from estiba.muelle.run.devices import devices, host_devices
from estiba.muelle.run.mounts import Mount
from estiba.muelle.run.variables import variables
from estiba.spec.container import CAPABILITIES, container_config
from estiba.tables.capabilities import CAPABILITIES as EVERY


def given(*args: str) -> Any:
    """Return the options of `muelle run ARGS web`."""
    parsed = Parsed()
    parse(["run", *args, "web"], parsed)
    return parsed.options


PERMITTED = int(Path("/proc/self/status").read_text().partition("CapPrm:")[2].split()[0], 16)
HELD = {name for name, number in EVERY.items() if PERMITTED >> number & 1}


def refusal(error: pytest.ExceptionInfo[ArgumentInvalid]) -> tuple[str, str | None]:
    """Return message and hint."""
    return error.value.message, error.value.hint


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], set(CAPABILITIES)),
        (["--cap-add", "net_admin"], {*CAPABILITIES, "CAP_NET_ADMIN"}),
        (["--cap-add=CAP_NET_ADMIN,SYS_TIME"], {*CAPABILITIES, "CAP_NET_ADMIN", "CAP_SYS_TIME"}),
        (["--cap-drop", "ALL"], set()),
        (["--cap-drop", "ALL", "--cap-add", "CHOWN"], {"CAP_CHOWN"}),
        (["--cap-drop", "chown"], set(CAPABILITIES) - {"CAP_CHOWN"}),
        (["--cap-add", "ALL", "--cap-drop", "SYS_ADMIN"], HELD - {"CAP_SYS_ADMIN"}),
        (["--privileged"], HELD),
    ],
)
def test_capabilities_are_added_and_dropped_as_with_docker(args: list[str], expected: set[str]) -> None:
    """Dropped first, then added; ALL is every one that the caller has."""
    assert set(rights.capabilities(given(*args))) == expected


def test_a_capability_that_is_none_is_refused_with_the_one_that_was_meant() -> None:
    """By its short name."""
    with pytest.raises(ArgumentInvalid) as caught:
        rights.capabilities(given("--cap-add", "NET_ADMINN"))
    assert refusal(caught) == ('--cap-add: "NET_ADMINN" is not a capability', 'did you mean "NET_ADMIN"?')


def secured(*args: str) -> dict[str, Any]:
    """Return the config that --security-opt makes."""
    config = container_config(rootfs="r", args=["sh"])
    rights.apply_security(config, given(*(word for arg in args for word in ("--security-opt", arg))))
    return config


def test_security_options_reach_the_config(tmp_path: Path) -> None:
    """In both of the forms that Docker has had."""
    assert secured("no-new-privileges")["process"]["noNewPrivileges"] is True
    assert secured("no-new-privileges:false")["process"]["noNewPrivileges"] is False
    assert "seccomp" not in secured("seccomp=unconfined")["linux"]
    assert secured("apparmor=own")["process"]["apparmorProfile"] == "own"
    assert "maskedPaths" not in secured("systempaths=unconfined")["linux"]
    profile = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
    (tmp_path / "profile.json").write_text(json.dumps(profile))
    assert secured(f"seccomp={tmp_path}/profile.json")["linux"]["seccomp"] == profile


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no-new-priviledges", '--security-opt: "no-new-priviledges" is not known'),
        ("systempaths=all", '--security-opt: systempaths cannot be "all"'),
        ("seccomp=/absent", '--security-opt: seccomp "/absent": absent (ENOENT)'),
        ("seccomp=/etc/passwd", '--security-opt: seccomp "/etc/passwd": not JSON'),
    ],
)
def test_security_options_that_mean_nothing_are_refused(text: str, message: str) -> None:
    """Never dropped: what was to protect would not."""
    with pytest.raises(ArgumentInvalid) as caught:
        secured(text)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], {}),
        (["-m", "64m"], {"memory": {"limit": 64 << 20, "swap": 128 << 20}}),
        (["-m", "64m", "--memory-swap", "-1"], {"memory": {"limit": 64 << 20, "swap": -1}}),
        (["--memory-reservation", "8m"], {"memory": {"reservation": 8 << 20}}),
        (["--cpus", "1.5"], {"cpu": {"quota": 150_000, "period": 100_000}}),
        (["--cpus", "0.001"], {"cpu": {"quota": 1_000, "period": 100_000}}),
        (["--cpu-shares", "512", "--cpuset-cpus", "0-1"], {"cpu": {"shares": 512, "cpus": "0-1"}}),
        (["--pids-limit", "7"], {"pids": {"limit": 7}}),
        (["--pids-limit", "0"], {"pids": {"limit": -1}}),
    ],
)
def test_limits_become_resources(args: list[str], expected: dict[str, Any]) -> None:
    """In the units of the runtime specification."""
    assert limits.resources(given(*args)) == expected


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["-m", "1m"], "--memory: 1048576 bytes are too few, the least is 6m"),
        (["-m", "64m", "--memory-swap", "32m"], '--memory-swap: "32m" is below --memory'),
        (
            ["-m", "64m", "--memory-swap", "some"],
            '--memory-swap: "some" is no size, and not -1 for as much as there is',
        ),
    ],
)
def test_limits_that_cannot_be_are_refused(args: list[str], message: str) -> None:
    """Before the kernel does so in its own words."""
    with pytest.raises(ArgumentInvalid) as caught:
        limits.resources(given(*args))
    assert caught.value.message == message


def test_ulimits_become_rlimits() -> None:
    """The last of a kind wins; one number is both."""
    found = limits.rlimits(
        given("--ulimit", "nofile=1", "--ulimit", "nofile=512:1024", "--ulimit", "core=-1")
    )
    assert found == [
        {"type": "RLIMIT_NOFILE", "soft": 512, "hard": 1024},
        {"type": "RLIMIT_CORE", "soft": 2**64 - 1, "hard": 2**64 - 1},
    ]
    with pytest.raises(ArgumentInvalid) as caught:
        limits.rlimits(given("--ulimit", "nofiles=1"))
    assert refusal(caught) == ('--ulimit: "nofiles" is not a limit', 'did you mean "nofile"?')


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["-v", "/srv:/data"], Mount("bind", "/srv", "/data")),
        (["-v", "/srv:/data:ro,rslave"], Mount("bind", "/srv", "/data", True, "rslave")),
        (["-v", "./here:/data"], Mount("bind", f"{os.getcwd()}/here", "/data")),
        (["-v", "cache:/data//x/../y/"], Mount("volume", "cache", "/data/y")),
        (["-v", "cache:/data:nocopy"], Mount("volume", "cache", "/data", is_copied_up=False)),
        (["-v", "/data"], Mount("volume", "", "/data")),
        (["--tmpfs", "/run"], Mount("tmpfs", "", "/run", options=("nosuid", "nodev", "noexec"))),
        (
            ["--tmpfs", "/run:exec,size=64m"],
            Mount("tmpfs", "", "/run", options=("nosuid", "nodev", "exec", "size=64m")),
        ),
        (["--mount", "type=bind,src=/srv,dst=/data,readonly"], Mount("bind", "/srv", "/data", True)),
        (["--mount", "source=cache,target=/data"], Mount("volume", "cache", "/data")),
        (
            ["--mount", "type=tmpfs,target=/run,tmpfs-size=1m"],
            Mount("tmpfs", "", "/run", options=("nosuid", "nodev", "noexec", "size=1m")),
        ),
    ],
)
def test_mounts_are_read_as_docker_reads_them(args: list[str], expected: Mount) -> None:
    """-v, --mount and --tmpfs."""
    assert mounts.mounts(given(*args), []) == [expected]


def test_volumes_of_the_image_are_mounted_where_nothing_else_is() -> None:
    """And never at /."""
    found = mounts.mounts(given("-v", "/srv:/data/deep"), ["/data", "/data/deep", "/"])
    assert found == [Mount("bind", "/srv", "/data/deep"), Mount("volume", "", "/data")]


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["-v", "a:b:c:d"], '-v: "a:b:c:d" is not SOURCE:TARGET or SOURCE:TARGET:OPTIONS', None),
        (
            ["-v", "/srv:data"],
            '-v: "data" is no place to mount at',
            "it is an absolute path inside, and not /",
        ),
        (["-v", "/srv:/"], '-v: "/" is no place to mount at', "it is an absolute path inside, and not /"),
        (["-v", "/srv:/data:rp"], '-v: "rp" is not an option of a mount', None),
        (
            ["-v", "my cache:/data"],
            '-v: "my cache" is no volume\'s name',
            "a volume's name is letters, digits and _ . -; a path begins with / or ./",
        ),
        (["-v", "/a:/data", "--tmpfs", "/data/"], '"/data" is mounted twice', "leave out one of the two"),
        (
            ["--mount", "type=bind,sorce=/a,target=/b"],
            '--mount: "sorce" is not known',
            'did you mean "source"?',
        ),
        (
            ["--mount", "type=bind,source=a,target=/b"],
            '--mount: the source of a bind mount is an absolute path, not "a"',
            None,
        ),
        (
            ["--mount", "source=/a,target=/b"],
            '--mount: "/a" is a path, not a volume\'s name',
            "write type=bind",
        ),
        (["--mount", "type=nfs,target=/b"], '--mount: type "nfs" is not bind, volume or tmpfs', None),
    ],
)
def test_mounts_that_mean_nothing_are_refused(args: list[str], message: str, hint: str | None) -> None:
    """With what to write instead."""
    with pytest.raises(ArgumentInvalid) as caught:
        mounts.mounts(given(*args), [])
    assert caught.value.message == message
    assert hint is None or caught.value.hint == hint


def test_variables_come_from_files_and_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of -e stand last; a name alone has the value that it has here, or is left out."""
    monkeypatch.setenv("HERE", "from here")
    monkeypatch.delenv("ABSENT", raising=False)
    (tmp_path / "env").write_text('# comment\n\nA=1\n  B="2" \nHERE\nABSENT\r\n')
    found = variables(given("-e", "C=3", "--env-file", f"{tmp_path}/env", "-e", "ABSENT", "-e", "HERE"))
    assert found == ["A=1", 'B="2" ', "HERE=from here", "C=3", "HERE=from here"]


@pytest.mark.parametrize(("line", "name"), [("A B=1", "A B"), ("=1", "")])
def test_a_file_of_variables_is_refused_by_line(tmp_path: Path, line: str, name: str) -> None:
    """File and line first."""
    (tmp_path / "env").write_text(f"A=1\n{line}\n")
    with pytest.raises(ArgumentInvalid) as caught:
        variables(given("--env-file", f"{tmp_path}/env"))
    assert caught.value.message == f'{tmp_path}/env:2: "{name}" is no variable\'s name'


def test_devices_are_made_and_allowed() -> None:
    """Under another name and with less access, if so asked."""
    made, rules = devices(["/dev/null:/dev/nothing:r", "/dev/zero:rw"])
    assert [(each["path"], each["type"], each["major"], each["minor"]) for each in made] == [
        ("/dev/nothing", "c", 1, 3),
        ("/dev/zero", "c", 1, 5),
    ]
    assert [rule["access"] for rule in rules] == ["r", "rw"]
    for text in ("/dev/absent", "/etc/passwd", "/dev/null:/x:q"):
        with pytest.raises(ArgumentInvalid):
            devices([text])


def test_a_privileged_container_sees_the_hosts_devices() -> None:
    """Those that each container has of its own stay away."""
    paths = {each["path"] for each in host_devices()}
    assert "/dev/null" in paths
    assert not any(path.startswith(("/dev/pts", "/dev/shm", "/dev/console")) for path in paths)
