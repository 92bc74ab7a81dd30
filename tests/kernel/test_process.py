# SPDX-License-Identifier: Apache-2.0
"""The process that the program finds itself in: ids, environment, limits, capabilities, signals, descriptors."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import MakeBundle
from support.processes import Pipe, parse_status, status
from support.runtime import MARKER, Runtime

STATUS = ["cat", "/proc/self/status"]
READY = "echo ready; exec sleep 1000"
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
KILL, NET_RAW, CHOWN = 1 << 5, 1 << 13, 1 << 0


def seen_inside(runtime: Runtime, bundle: MakeBundle, changes: dict[str, Any]) -> dict[str, str]:
    """/proc/self/status as the program reads it."""
    return parse_status(runtime.output(bundle(STATUS, changes)))


def seen_outside(runtime: Runtime, bundle: MakeBundle, pipe: Pipe, changes: dict[str, Any]) -> dict[str, str]:
    """/proc/PID/status as the host reads it."""
    container = runtime.start(bundle(READY, changes), stdout=pipe)
    assert pipe.readline() == "ready"
    found = status(container.pid)
    container.delete()
    return found


@pytest.mark.core
def test_uid_gid_and_groups_are_those_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/process/user": {"uid": 7, "gid": 8, "additionalGids": [9, 10]}}
    seen = seen_inside(runtime, bundle, changes)
    assert seen["Uid"].split() == ["7"] * 4
    assert seen["Gid"].split() == ["8"] * 4
    assert set(seen["Groups"].split()) - {"8"} == {"9", "10"}


def test_uid_gid_and_groups_are_seen_from_outside(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    changes = {"/process/user": {"uid": 7, "gid": 8, "additionalGids": [9, 10]}}
    seen = seen_outside(runtime, bundle, pipe, changes)
    assert seen["Uid"].split() == ["7"] * 4
    assert set(seen["Groups"].split()) - {"8"} == {"9", "10"}


def test_without_additional_groups_there_are_none_of_the_caller(runtime: Runtime, bundle: MakeBundle) -> None:
    runtime.prefix = ["setpriv", "--groups", "4,5,6"]
    seen = seen_inside(runtime, bundle, {"/process/user": {"uid": 7, "gid": 8}})
    assert set(seen["Groups"].split()) <= {"8"}


@pytest.mark.parametrize(("umask", "shown"), [(0o027, "0027"), (0, "0000"), (0o777, "0777")])
def test_the_umask_is_that_of_the_config(
    runtime: Runtime, bundle: MakeBundle, umask: int, shown: str
) -> None:
    assert seen_inside(runtime, bundle, {"/process/user/umask": umask})["Umask"] == shown


def test_without_umask_it_is_022_whatever_the_callers(runtime: Runtime, bundle: MakeBundle) -> None:
    runtime.prefix = ["sh", "-c", 'umask 077; exec "$@"', "sh"]
    assert seen_inside(runtime, bundle, {})["Umask"] == "0022"


def test_cwd_is_that_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("pwd", {"/process/cwd": "/tmp"})) == "/tmp\n"


@pytest.mark.not_on("crun", "refuses")
def test_a_missing_cwd_is_made(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("pwd", {"/process/cwd": "/made/here", "/root/readonly": False})
    assert runtime.output(config) == "/made/here\n"


def test_cwd_may_be_one_that_only_the_user_can_enter(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("pwd", {"/process/cwd": "/private", "/process/user": {"uid": 7, "gid": 7}})
    (config.rootfs / "private").mkdir(mode=0o700)
    os.chown(config.rootfs / "private", 7, 7)
    assert runtime.output(config) == "/private\n"


def test_the_environment_is_that_of_the_config_alone(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(
        ["env"], {"/process/env": ["PATH=/bin", "KEY=a value", "EMPTY=", f"{MARKER}={runtime.marker}"]}
    )
    out = runtime.output(config, env={"LEAKED": "yes", "LD_PRELOAD": "", "PYTHONPATH": "/nowhere"})
    found = dict(line.split("=", 1) for line in out.splitlines())
    found.pop("HOME", None)
    assert found == {"PATH": "/bin", "KEY": "a value", "EMPTY": "", MARKER: runtime.marker}


def test_home_is_looked_up_when_it_is_not_set(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("echo $HOME", {"/process/user": {"uid": 7, "gid": 7}})) == "/home\n"


def test_home_of_an_unknown_user_is_the_root(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("echo $HOME", {"/process/user": {"uid": 1234, "gid": 7}})) == "/\n"


def test_a_home_that_is_set_stays(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle("echo $HOME", {"/process/env/-": "HOME=/own"})) == "/own\n"


def test_the_program_is_found_on_the_path_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle(["found"], {"/process/env/0": "PATH=/nowhere:/opt:/bin"})
    (config.rootfs / "opt").mkdir()
    (config.rootfs / "opt" / "found").write_text("#!/bin/sh\necho from opt\n")
    (config.rootfs / "opt" / "found").chmod(0o755)
    assert runtime.output(config) == "from opt\n"


def test_the_search_along_path_passes_over_what_cannot_be_executed(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle(["true"], {"/process/env/0": "PATH=/opt:/srv:/bin"})
    (config.rootfs / "opt" / "true").mkdir(parents=True)
    (config.rootfs / "srv").mkdir()
    (config.rootfs / "srv" / "true").write_text("no program")
    assert runtime.output(config) == ""


def test_a_program_with_a_slash_is_found_from_cwd(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle(["./echo", "here"], {"/process/cwd": "/bin"})) == "here\n"


def test_arguments_are_passed_as_they_are(runtime: Runtime, bundle: MakeBundle) -> None:
    words = ["/bin/printf", "%s|", "a b", "", "ü", "$HOME", "-n"]
    assert runtime.output(bundle(words)) == "a b||ü|$HOME|-n|"


def test_limits_are_those_of_the_config(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    changes = {
        "/process/rlimits": [
            {"type": "RLIMIT_NOFILE", "soft": 64, "hard": 128},
            {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
            {"type": "RLIMIT_NPROC", "soft": 500, "hard": 600},
        ]
    }
    assert runtime.output(bundle("ulimit -Sn; ulimit -Hn; ulimit -c", changes)).split() == ["64", "128", "0"]
    container = runtime.start(bundle(READY, changes), stdout=pipe)
    pipe.readline()
    limits = Path(f"/proc/{container.pid}/limits").read_text()
    container.delete()
    assert next(line for line in limits.splitlines() if line.startswith("Max processes")).split()[2:4] == [
        "500",
        "600",
    ]


@pytest.mark.parametrize("inheritable", [[], ["CAP_NET_RAW"]])
def test_no_ambient_capability_of_the_caller_is_inherited(
    runtime: Runtime, bundle: MakeBundle, inheritable: list[str]
) -> None:
    capabilities = {"bounding": ["CAP_NET_RAW"], "permitted": ["CAP_NET_RAW"], "inheritable": inheritable}
    runtime.prefix = ["setpriv", "--inh-caps=+net_raw", "--ambient-caps=+net_raw"]
    seen = seen_inside(runtime, bundle, {"/process/capabilities": capabilities})
    assert int(seen["CapAmb"], 16) == 0


@pytest.mark.core
def test_capability_sets_are_those_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {
        "/process/capabilities": {
            "bounding": ["CAP_KILL", "CAP_NET_RAW", "CAP_CHOWN"],
            "permitted": ["CAP_KILL", "CAP_NET_RAW"],
            "effective": ["CAP_KILL"],
            "inheritable": ["CAP_NET_RAW"],
            "ambient": ["CAP_NET_RAW"],
        },
        "/process/user": {"uid": 7, "gid": 7},
    }
    seen = seen_inside(runtime, bundle, changes)
    # After execve an ordinary user has what is ambient, and no more.
    assert [int(seen[k], 16) for k in CAPABILITIES] == [
        NET_RAW,
        NET_RAW,
        NET_RAW,
        KILL | NET_RAW | CHOWN,
        NET_RAW,
    ]


def test_root_has_the_bounding_set_after_execve(runtime: Runtime, bundle: MakeBundle) -> None:
    sets = {name: ["CAP_KILL", "CAP_CHOWN"] for name in ("bounding", "permitted", "effective")}
    seen = seen_inside(runtime, bundle, {"/process/capabilities": sets})
    assert [int(seen[k], 16) for k in CAPABILITIES] == [0, KILL | CHOWN, KILL | CHOWN, KILL | CHOWN, 0]


@pytest.mark.estiba_only
def test_a_capability_that_cannot_be_granted_is_left_out_with_a_warning(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    names = ["CAP_KILL", "CAP_TIME_TRAVEL"]
    config = bundle(["true"], {"/process/capabilities": {"bounding": names, "permitted": names}})
    result = runtime.run(config)
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        'warning: config.json /process/capabilities/bounding/1: "CAP_TIME_TRAVEL" is ignored: not a known capability\n'
    )


@pytest.mark.estiba_only
def test_a_capability_that_the_caller_does_not_hold_is_left_out_with_a_warning(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    config = bundle(["true"], {"/process/capabilities": {"bounding": ["CAP_KILL", "CAP_AUDIT_WRITE"]}})
    runtime.prefix = ["setpriv", "--bounding-set=-audit_write"]
    result = runtime.run(config)
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        'warning: config.json /process/capabilities/bounding/1: "CAP_AUDIT_WRITE" is ignored: '
        "whoever starts the container does not hold it\n"
    )


def test_without_capabilities_there_are_none(runtime: Runtime, bundle: MakeBundle) -> None:
    seen = seen_inside(runtime, bundle, {"/process/capabilities": {}})
    assert [int(seen[k], 16) for k in CAPABILITIES] == [0] * 5


def test_capability_sets_are_seen_from_outside(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    sets = {name: ["CAP_KILL", "CAP_CHOWN"] for name in ("bounding", "permitted", "effective")}
    seen = seen_outside(runtime, bundle, pipe, {"/process/capabilities": sets})
    assert [int(seen[k], 16) for k in CAPABILITIES] == [0, KILL | CHOWN, KILL | CHOWN, KILL | CHOWN, 0]


@pytest.mark.parametrize("value", [True, False])
def test_no_new_privileges_is_that_of_the_config(runtime: Runtime, bundle: MakeBundle, value: bool) -> None:
    assert seen_inside(runtime, bundle, {"/process/noNewPrivileges": value})["NoNewPrivs"] == str(int(value))


@pytest.mark.parametrize("adjustment", [500, 0])
def test_oom_score_adj_is_that_of_the_config(runtime: Runtime, bundle: MakeBundle, adjustment: int) -> None:
    changes = {"/process/oomScoreAdj": adjustment}
    assert runtime.output(bundle("cat /proc/self/oom_score_adj", changes)) == f"{adjustment}\n"


def test_without_oom_score_adj_it_is_the_callers(runtime: Runtime, bundle: MakeBundle) -> None:
    runtime.prefix = ["sh", "-c", 'echo 77 > /proc/self/oom_score_adj; exec "$@"', "sh"]
    assert runtime.output(bundle("cat /proc/self/oom_score_adj")) == "77\n"


@pytest.mark.core
def test_no_signal_is_blocked_ignored_or_caught(runtime: Runtime, bundle: MakeBundle) -> None:
    seen = seen_inside(runtime, bundle, {})
    assert [int(seen[k], 16) for k in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


@pytest.mark.not_on("runc", "the mask goes through it")
def test_signals_that_the_caller_ignores_or_blocks_are_not_inherited(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    runtime.prefix = ["env", "--ignore-signal=PIPE,HUP,USR1,RTMIN+3,RTMAX", "--block-signal=USR2,TERM"]
    seen = seen_inside(runtime, bundle, {})
    assert [int(seen[k], 16) for k in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


# Starts what follows as make(1) does: with signals 32 and 33 ignored, where the C library is glibc.
POSIX_SPAWN = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@pytest.mark.not_on("runc", "it inherits them")
def test_signals_that_posix_spawn_leaves_ignored_are_not_inherited(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    runtime.prefix = [sys.executable, "-c", POSIX_SPAWN]
    seen = seen_inside(runtime, bundle, {})
    assert [int(seen[k], 16) for k in ("SigBlk", "SigIgn", "SigCgt")] == [0, 0, 0]


@pytest.mark.core
def test_only_the_first_three_descriptors_are_open(runtime: Runtime, bundle: MakeBundle) -> None:
    assert runtime.output(bundle(["ls", "/proc/self/fd"])).split() == ["0", "1", "2", "3"]  # 3: of ls itself


def test_only_the_first_three_descriptors_are_seen_from_outside(
    runtime: Runtime, bundle: MakeBundle, pipe: Pipe
) -> None:
    container = runtime.start(bundle(["/bin/sh", "-c", READY]), stdout=pipe)
    pipe.readline()
    found = sorted(os.listdir(f"/proc/{container.pid}/fd"))
    container.delete()
    assert found == ["0", "1", "2"]


def test_descriptors_of_the_caller_are_not_inherited(runtime: Runtime, bundle: MakeBundle) -> None:
    runtime.prefix = ["sh", "-c", 'exec 3</dev/null 7</dev/null 9</; exec "$@"', "sh"]
    assert runtime.output(bundle(["ls", "/proc/self/fd"])).split() == ["0", "1", "2", "3"]


def test_a_created_container_holds_no_folder_of_the_host(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(READY))
    proc = Path(f"/proc/{container.pid}")
    folders = [fd.name for fd in (proc / "fd").iterdir() if fd.is_dir()]
    held = {parse_status((proc / "fdinfo" / name).read_text())["mnt_id"] for name in folders}
    own = {line.split()[0] for line in (proc / "mountinfo").read_text().splitlines()}
    container.delete()
    assert held <= own


def test_descriptors_are_preserved_when_told(runtime: Runtime, bundle: MakeBundle, folder: Path) -> None:
    (folder / "kept").write_text("kept\n")
    runtime.prefix = ["sh", "-c", 'exec 3<"$0" 4<"$0" 5</dev/null; exec "$@"', str(folder / "kept")]
    out = runtime.output(bundle("cat <&3; ls /proc/self/fd"), "--preserve-fds", "2")
    assert out.split() == ["kept", "0", "1", "2", "3", "4", "5"]  # 5: of ls itself


@pytest.mark.core
@pytest.mark.not_on("runc", "1.1.5 shows a read-only bind of its file")
def test_the_executable_of_a_created_container_is_sealed_memory(runtime: Runtime, bundle: MakeBundle) -> None:
    container = runtime.create(bundle(READY))
    waiting = os.readlink(f"/proc/{container.pid}/exe")
    container.delete()
    assert waiting.startswith("/memfd:")


def test_a_program_that_runs_proc_self_exe_does_not_reach_the_runtime(
    runtime: Runtime, bundle: MakeBundle
) -> None:
    binary = Path(runtime.words[0])
    before = hashlib.sha256(binary.read_bytes()).digest()
    result = runtime.run(bundle(["/proc/self/exe", "true"]))
    assert hashlib.sha256(binary.read_bytes()).digest() == before
    assert "unknown" not in result.out


def test_hostname_is_that_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    host = os.uname().nodename
    assert runtime.output(bundle("hostname", {"/hostname": "web.example"})) == "web.example\n"
    assert os.uname().nodename == host


@pytest.mark.not_on("runc", "1.1.5 knows no domainname")
def test_domainname_is_that_of_the_config(runtime: Runtime, bundle: MakeBundle) -> None:
    out = runtime.output(bundle("cat /proc/sys/kernel/domainname", {"/domainname": "example.org"}))
    assert out == "example.org\n"


def test_a_sysctl_is_set_in_the_container_alone(runtime: Runtime, bundle: MakeBundle) -> None:
    ours = Path("/proc/sys/kernel/msgmax").read_text()
    out = runtime.output(bundle("cat /proc/sys/kernel/msgmax", {"/linux/sysctl": {"kernel.msgmax": "4096"}}))
    assert out == "4096\n"
    assert Path("/proc/sys/kernel/msgmax").read_text() == ours


def test_a_network_sysctl_is_set(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/sysctl": {"net.ipv4.ip_forward": "1"}}
    assert runtime.output(bundle("cat /proc/sys/net/ipv4/ip_forward", changes)) == "1\n"


@pytest.mark.estiba_only
def test_a_value_that_the_kernel_takes_in_part_is_refused(runtime: Runtime, bundle: MakeBundle) -> None:
    """Of a list it takes the first number for a parameter that is one, and writes nothing of the rest."""
    result = runtime.run(bundle("true", {"/linux/sysctl": {"kernel.shm_rmid_forced": "0 1"}}))
    assert result.code == 1
    assert 'cannot set kernel parameter "kernel.shm_rmid_forced" to "0 1"' in result.err


@pytest.mark.not_on("runc", "1.1.5 takes dots alone")
def test_a_sysctl_may_be_written_with_slashes(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = {"/linux/sysctl": {"net/ipv4/ip_forward": "1"}}
    assert runtime.output(bundle("cat /proc/sys/net/ipv4/ip_forward", changes)) == "1\n"


def test_the_session_keyring_is_the_containers_own(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("cat /proc/keys", {"/linux/maskedPaths": []})
    assert f"_ses.{config.id}" in runtime.output(config)


def test_no_new_keyring_keeps_the_callers(runtime: Runtime, bundle: MakeBundle) -> None:
    config = bundle("cat /proc/keys", {"/linux/maskedPaths": []})
    assert f"_ses.{config.id}" not in runtime.output(config, "--no-new-keyring")


def test_the_program_leads_a_session_of_its_own(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle(READY), stdout=pipe)
    pipe.readline()
    assert os.getsid(container.pid) == container.pid
    container.delete()


def test_dumpable_is_as_after_any_execve(runtime: Runtime, bundle: MakeBundle) -> None:
    assert (
        runtime.output(bundle("stat -c %u /proc/self/environ", {"/process/user": {"uid": 7, "gid": 7}}))
        == "7\n"
    )


@pytest.mark.estiba_only
def test_init_can_be_looked_into_only_once_the_program_runs(runtime: Runtime, bundle: MakeBundle) -> None:
    """By whom it shares ids and user namespace with, as a container in the same pod (CVE-2016-9962)."""
    container = runtime.create(bundle("sleep 1000"))
    look = ["setpriv", "--bounding-set=-sys_ptrace", "readlink", f"/proc/{container.pid}/exe"]
    before = subprocess.run(look, check=False, capture_output=True).returncode
    container.start()
    after = subprocess.run(look, check=False, capture_output=True).returncode
    container.delete()
    assert (before != 0, after) == (True, 0)
