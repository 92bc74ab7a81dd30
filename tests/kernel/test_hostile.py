# SPDX-License-Identifier: Apache-2.0
"""What images, volumes and configs have done to other runtimes: each hole of the past, tried on this one.

The numbers are those of the CVEs. What is asserted is what the attacker was after: an entry made on the host, a file of
the host that is written, a mask that is gone, a folder of the host that can be entered.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support import terminals, views
from support.bundles import ABSENT, Bundle, bind
from support.processes import Pipe
from support.runtime import Runtime
from support.swapping import swapping
from support.terminals import ConsoleSocket
from support.tracing import Trace

pytestmark = [pytest.mark.estiba_only, pytest.mark.views(views.available()[0]), pytest.mark.requires("root")]

TIMES = 60
"""Starts in one race; most of a thousand swaps fall into each."""

FOREVER = ["sleep", "1000"]
CORE_PATTERN = Path("/proc/sys/kernel/core_pattern")


@pytest.fixture
def host(folder: Path) -> Path:
    """A folder of the host that no container is given."""
    made = folder / "host"
    made.mkdir()
    return made


def replace_by_link(path: Path, target: Path | str) -> None:
    """Put a link where the image has an empty folder, a file or nothing."""
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def entries(folder: Path) -> list[Path]:
    """All that is below."""
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize(
    "destination", ["/proc", "//proc", "proc", "/./proc", "/x/../proc/.", "/sys", "/sys/."]
)
def test_proc_and_sys_are_mounted_behind_no_link_of_the_image(
    runtime: Runtime, bundle: MakeBundle, host: Path, destination: str
) -> None:
    """CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-54867.

    Whoever mounts behind it masks another folder than is used.
    """
    name = "proc" if "proc" in destination else "sys"
    config = bundle("true")
    number = next(n for n, mount in enumerate(config.config["mounts"]) if mount["destination"] == f"/{name}")
    config.change(f"/mounts/{number}/destination", destination)
    for target in (host, "tmp", "/tmp"):
        replace_by_link(config.rootfs / name, target)
        result = runtime.run(config)
        assert (result.code, entries(host)) == (1, []), str(result)
        assert result.err.startswith(f"config.json /mounts/{number}: "), str(result)
        assert "ELOOP" in result.err


@pytest.mark.parametrize("mounted", [True, False], ids=["a mount on it", "no mount on it"])
def test_devices_are_made_in_no_folder_that_a_linked_dev_names(
    runtime: Runtime, bundle: MakeBundle, host: Path, mounted: bool
) -> None:
    """CVE-2026-41579, CVE-2026-47766."""
    config = bundle("true")
    if not mounted:
        mounts = [m for m in config.config["mounts"] if not m["destination"].startswith("/dev")]
        config.change("/mounts", mounts)
    replace_by_link(config.rootfs / "dev", host)
    runtime.run(config)
    assert entries(host) == []


def test_a_destination_behind_links_that_lead_up_stays_in_the_root(
    runtime: Runtime, bundle: MakeBundle, host: Path
) -> None:
    """CVE-2019-18837."""
    for number, target in enumerate(("/", "../../../../../../../../..", str(host), f"/../..{host}")):
        mount = bind(host.parent, "bind", destination=f"/link{number}/made/here")
        config = bundle("true", mount)
        replace_by_link(config.rootfs / f"link{number}", target)
        assert runtime.run(config).code == 0
        assert entries(host) == []
        assert not Path("/made").exists()


DESCRIPTORS = [f"/proc/self/fd/{number}" for number in (0, 3, 4, 5, 6, 7, 8, 9, 20)]


@pytest.mark.parametrize("below", ["", "/..", "/../../../../tmp"])
def test_no_descriptor_of_the_runtime_is_a_way_out_for_the_working_directory(
    runtime: Runtime, bundle: MakeBundle, below: str
) -> None:
    """CVE-2024-21626, for a start and for exec."""
    container = runtime.start(bundle(FOREVER))
    for path in DESCRIPTORS:
        started = runtime.run(bundle("pwd; ls -A", {"/process/cwd": path + below}))
        entered = container.exec("sh", "-c", "pwd; ls -A", flags=["--cwd", path + below])
        for result in (started, entered):
            assert (result.code in (1, 255), result.out) == (True, ""), str(result)
            assert "/cwd: " in result.err, str(result)
    container.delete()


def test_a_folder_of_the_caller_is_no_way_out_either(
    runtime: Runtime, bundle: MakeBundle, host: Path
) -> None:
    """CVE-2024-21626: a descriptor that the caller has left open."""
    opened = os.open(host, os.O_RDONLY)
    try:
        os.set_inheritable(opened, True)
        config = bundle("pwd; ls -A", {"/process/cwd": f"/proc/self/fd/{opened}"})
        result = runtime.run(config, pass_fds=[opened])
    finally:
        os.close(opened)
    assert (result.code, result.out) == (1, ""), str(result)


def test_a_container_sees_no_folder_of_the_host_in_what_exec_starts(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    """CVE-2016-9962: with the right to look into every process of its own pid namespace."""
    script = """
        echo ready
        while [ ! -e /tmp/stop ]; do
            for process in /proc/[0-9]*; do
                [ "$process" = "/proc/$$" ] && continue
                for each in "$process"/fd/*; do [ -d "$each/" ] && echo "seen $each"; done
            done 2>/dev/null
        done
        echo end
    """
    sets = ("bounding", "effective", "permitted")
    rights = {f"/process/capabilities/{s}": ["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"] for s in sets}
    config = bundle(script, {"/root/readonly": False, **rights})
    container = runtime.start(config, stdout=pipe)
    assert pipe.readline() == "ready"
    for _ in range(TIMES):
        assert container.exec("true").code == 0
    # And it does see one that is there to be seen.
    assert container.exec("sh", "-c", "exec 7</tmp; exec sleep 1000", flags=["--detach"]).code == 0
    assert re.fullmatch("seen /proc/[0-9]+/fd/7", pipe.readline())
    (config.rootfs / "tmp" / "stop").touch()
    while pipe.readline() != "end":
        pass
    container.delete()


def volume_with_a_trap(folder: Path, target: Path) -> Path:
    """A volume with a folder and a link, which an attacker exchanges."""
    made = folder / "shared"
    (made / "inside").mkdir(parents=True)
    (made / "trap").symlink_to(target)
    return made


@pytest.mark.parametrize("destination", ["/shared/inside", "/shared/inside/made/here"])
def test_a_destination_that_is_exchanged_for_a_link_stays_in_the_root(
    runtime: Runtime, bundle: MakeBundle, folder: Path, host: Path, destination: str
) -> None:
    """CVE-2021-30465, and CVE-2024-45310 where the folder has to be made: two containers share a volume."""
    shared = volume_with_a_trap(folder, host)
    config = bundle(
        "grep -c hostile-marker /proc/self/mountinfo", bind(shared, "bind", destination="/shared")
    )
    config.change("/mounts/-", {"destination": destination, "type": "tmpfs", "source": "hostile-marker"})
    mounted = 0
    with swapping(shared / "inside", shared / "trap"):
        for _ in range(TIMES):
            result = runtime.run(config)
            assert result.code == 0 or result.err.startswith("config.json /mounts/"), str(result)
            assert result.out in ("", "1\n"), str(result)
            mounted += result.code == 0
            assert entries(host) == []
    assert mounted > 0


def without_mounts_on_dev(config: Bundle) -> None:
    """A /dev of the image's own, which another container may share."""
    config.change("/mounts", [m for m in config.config["mounts"] if not m["destination"].startswith("/dev")])


def test_a_mask_holds_whatever_the_null_device_of_the_image_is(runtime: Runtime, bundle: MakeBundle) -> None:
    """CVE-2025-31133, CVE-2025-62161: a runtime that masks by the container's own /dev/null shows what the link names instead."""
    config = bundle("wc -c </etc/secret; echo x >/etc/secret", {"/linux/maskedPaths": ["/etc/secret"]})
    without_mounts_on_dev(config)
    (config.rootfs / "etc" / "secret").write_text("secret")
    (config.rootfs / "dev" / "trap").symlink_to("/proc/sys/kernel/core_pattern")
    os.mknod(config.rootfs / "dev" / "null", 0o20666, os.makedev(1, 3))
    before = CORE_PATTERN.read_text()
    ran = 0
    with swapping(config.rootfs / "dev" / "null", config.rootfs / "dev" / "trap"):
        for _ in range(TIMES):
            result = runtime.run(config)
            assert result.out in ("", "0\n"), str(result)
            ran += result.out == "0\n"
            assert CORE_PATTERN.read_text() == before
    assert ran > 0
    assert (config.rootfs / "etc" / "secret").read_text() == "secret"


def test_a_terminal_lands_on_nothing_of_the_host_whatever_dev_console_is(
    runtime: Runtime, bundle: MakeBundle, folder: Path, host: Path
) -> None:
    """CVE-2025-52565."""
    config = bundle("echo here; exec cat", {"/process/terminal": True})
    config.change("/mounts", [m for m in config.config["mounts"] if m["destination"] != "/dev"])
    (config.rootfs / "dev" / "console").touch()
    (config.rootfs / "dev" / "trap").symlink_to(host / "console")
    before = CORE_PATTERN.read_text()
    ran = 0
    with swapping(config.rootfs / "dev" / "console", config.rootfs / "dev" / "trap"):
        for _ in range(TIMES // 3):
            with terminals.console_socket(folder / "socket") as console:
                flags = ["--detach", "--console-socket", str(console.path)]
                if runtime.run(config, *flags).code == 0:
                    terminal = console.receive()
                    assert b"here" in terminals.read_until(terminal, b"here")
                    os.close(terminal)
                    runtime.must("delete", "--force", config.id)
                    ran += 1
            assert entries(host) == []
    assert ran > 0
    assert CORE_PATTERN.read_text() == before


def fake_proc(volume: Path) -> list[Path]:
    """A folder with the files of /proc that a runtime writes."""
    names = ("sys/kernel/shm_rmid_forced", "self/attr/exec", "self/attr/apparmor/exec", "self/oom_score_adj")
    for name in names:
        (volume / name).parent.mkdir(parents=True, exist_ok=True)
        (volume / name).touch()
    return [volume / name for name in names]


def test_what_the_runtime_writes_goes_to_no_proc_of_the_image(
    runtime: Runtime, bundle: MakeBundle, folder: Path
) -> None:
    """CVE-2019-16884, CVE-2025-52881, CVE-2025-62596: a volume on /proc takes the label, the parameter, the score."""
    files = fake_proc(folder / "fake")
    changes = {
        "/linux/sysctl": {"kernel.shm_rmid_forced": "1"},
        "/process/oomScoreAdj": 700,
        **bind(folder / "fake", "rbind", destination="/proc"),
    }
    container = runtime.start(bundle(FOREVER, changes))
    container.exec("true")
    score = Path(f"/proc/{container.pid}/oom_score_adj").read_text()
    container.delete()
    assert [file.read_text() for file in files] == [""] * len(files)
    assert score == "700\n"


def test_a_value_of_a_parameter_sets_no_other_one(runtime: Runtime, bundle: MakeBundle) -> None:
    """CVE-2022-0811."""
    before = CORE_PATTERN.read_text()
    for value in (
        "1+kernel.core_pattern=|/bin/evil #",
        "1\nkernel.core_pattern=x",
        "1 kernel.core_pattern=x",
    ):
        runtime.run(bundle("true", {"/linux/sysctl": {"kernel.shm_rmid_forced": value}}))
        assert CORE_PATTERN.read_text() == before


@pytest.mark.parametrize(
    "key",
    [
        "net.ipv4.ip_forward/../../../kernel/core_pattern",
        "net/../kernel/core_pattern",
        "net.../kernel/core_pattern",
    ],
)
def test_a_name_of_a_parameter_leads_nowhere_else(runtime: Runtime, bundle: MakeBundle, key: str) -> None:
    """CVE-2022-0811, by the name."""
    before = CORE_PATTERN.read_text()
    result = runtime.run(bundle("true", {"/linux/sysctl": {key: "x"}}))
    assert result.code == 1, str(result)
    assert "is not the name of a kernel parameter" in result.err
    assert CORE_PATTERN.read_text() == before


@pytest.mark.parametrize("path", ["../../x", "..", "/../x", "x/../../.."])
def test_exec_enters_no_cgroup_outside_of_the_containers(
    runtime: Runtime, bundle: MakeBundle, path: str
) -> None:
    """The holes of crun 1.28 and 1.29."""
    container = runtime.start(bundle(FOREVER))
    result = container.exec("cat", "/proc/self/cgroup", flags=["--cgroup", path])
    assert (result.code, result.out) == (255, ""), str(result)
    container.delete()


def test_exec_gives_no_inheritable_capabilities(runtime: Runtime, bundle: MakeBundle) -> None:
    """CVE-2022-29162, CVE-2022-27650, CVE-2022-24769, CVE-2025-27612."""
    container = runtime.start(bundle(FOREVER))
    result = container.exec("grep", "-E", "Cap(Inh|Amb)", "/proc/self/status", flags=["--cap", "CAP_NET_RAW"])
    container.delete()
    assert [int(line.split()[1], 16) for line in result.out.splitlines()] == [0, 0], str(result)


LONG = 70_000


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/annotations", {"long": "x" * LONG}),
        ("/process/args", ["true", "x" * LONG]),
        ("/process/env", ["PATH=/bin", "LONG=" + "x" * LONG]),
        ("/linux/sysctl", {"kernel.shm_rmid_forced": "0" * LONG}),
        ("/linux/maskedPaths", ["/" + "x" * LONG]),
        ("/linux/cgroupsPath", "/" + "x" * LONG),
        ("/linux/uidMappings", [{"containerID": n, "hostID": n, "size": 1} for n in range(LONG // 10)]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_too_long_for_a_number_of_16_bits_is_taken_whole_or_refused(
    runtime: Runtime, bundle: MakeBundle, pointer: str, value: Any
) -> None:
    """CVE-2021-43784: a length that ran over let one part of a message pass for another."""
    result = runtime.run(bundle(["true"], {pointer: value}))
    assert (result.code, result.out) in ((0, ""), (1, "")), str(result)[:1000]
    assert (result.code == 0) == (result.err == "")


def test_a_config_without_an_end_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    """Before it fills the memory."""
    config = bundle("true")
    with (config.path / "config.json").open("wb") as file:
        file.truncate(1 << 40)
    result = runtime.call("create", "--bundle", str(config.path), config.id)
    said = f'"{config.path}/config.json" is longer than 64 MiB\nhint: is it a config at all?\n'
    assert (result.code, result.err) == (1, said)


def test_a_container_in_the_hosts_network_reaches_no_socket_of_the_runtime(
    runtime: Runtime, bundle: MakeBundle, console: ConsoleSocket
) -> None:
    """CVE-2020-15257: abstract sockets belong to the network namespace, so a runtime may have none."""
    config = bundle("true", {"/process/terminal": True})
    namespaces = [n for n in config.config["linux"]["namespaces"] if n["type"] != "network"]
    config.change("/linux/namespaces", namespaces)
    config.change("/hostname", ABSENT)
    before = abstract_sockets()
    container = runtime.create(config, "--console-socket", str(console.path))
    os.close(console.receive())
    assert abstract_sockets() - before == set()
    container.delete()


def abstract_sockets() -> set[str]:
    """The names of this network namespace's abstract sockets (unix(7))."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return {words[7] for line in lines if len(words := line.split()) > 7 and words[7].startswith("@")}


@pytest.mark.parametrize("verb", ["create", "run"])
def test_no_id_makes_anything_outside_of_the_state_root(
    runtime: Runtime, bundle: MakeBundle, folder: Path, verb: str
) -> None:
    """The id traversals of crun 1.20 and 1.28."""
    config = bundle("true")
    before = {path.name for path in folder.iterdir()}
    for ident in (
        "../escaped",
        "..",
        ".",
        "a/../../escaped",
        "/escaped",
        "-escaped",
        ".failures",
        "escaped\n",
    ):
        assert runtime.call(verb, "--bundle", str(config.path), "--", ident).code == 1
    after = {path.name for path in folder.iterdir()} - before
    assert all(name.startswith(("out.", "err.")) for name in after)
    assert {path.name for path in runtime.root.parent.iterdir()} <= {"state"}
    assert not runtime.root.exists() or {path.name for path in runtime.root.iterdir()} <= {".failures"}


@pytest.mark.requires("command:strace")
def test_no_path_is_walked_by_name_once_the_root_is_open(
    runtime: Runtime, bundle: MakeBundle, host: Path, console: ConsoleSocket
) -> None:
    """What is in the image is resolved below a descriptor; by name only what is the host's own is looked up."""
    changes = {
        "/process/terminal": True,
        "/linux/sysctl": {"kernel.shm_rmid_forced": "1"},
        "/linux/devices/-": {"path": "/dev/some/where", "type": "c", "major": 1, "minor": 3},
        **bind(host, "rbind", "ro", destination="/made/here"),
    }
    config = bundle(["true"], changes)
    config.change("/mounts/-", {"destination": "/copy", "type": "tmpfs", "options": ["tmpcopyup"]})
    trace = Trace(
        runtime, "create", "--bundle", str(config.path), "--console-socket", str(console.path), config.id
    )
    assert trace.until_exit() == 0, trace.err
    runtime.must("delete", "--force", config.id)
    trace.finish()
    [opened] = [n for n, line in enumerate(trace.lines) if f'openat(AT_FDCWD, "{config.rootfs}"' in line]
    [pivoted] = [n for n, line in enumerate(trace.lines) if "pivot_root(" in line]
    init = trace.lines[opened].split()[0]
    lines = [line for line in trace.lines[opened + 1 : pivoted] if line.startswith(f"{init} ")]
    by_name = re.compile(r'AT_FDCWD, "([^"]*)"|\bmount\((?:NULL|"[^"]*"), "([^"]*)"')
    named = {found[1] or found[2] for line in lines if (found := by_name.search(line))}
    assert len(lines) > 100
    assert named == {"/dev/null", "/proc/sys", str(host), "."}
