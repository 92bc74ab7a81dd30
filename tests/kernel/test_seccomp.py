# SPDX-License-Identifier: Apache-2.0
"""Seccomp: what the profile's actions do to a program."""

from __future__ import annotations

from typing import Any

import pytest

from conftest import MakeBundle
from support import recorded
from support.processes import Pipe, parse_status, status
from support.runtime import Runtime

ERRNO = {"action": "SCMP_ACT_ERRNO", "errnoRet": 99}  # EADDRNOTAVAIL, which no mkdir gives by itself
MARK = "Cannot assign requested address"


def profile(*rules: dict[str, Any], default: str = "SCMP_ACT_ALLOW", **more: Any) -> dict[str, Any]:
    """Changes that set a profile for this architecture."""
    value = {"defaultAction": default, "architectures": ["SCMP_ARCH_X86_64"], "syscalls": list(rules), **more}
    return {"/linux/seccomp": value}


def rule(*names: str, **values: Any) -> dict[str, Any]:
    """One rule; by default it answers EADDRNOTAVAIL."""
    return {"names": list(names), **(values or ERRNO)}


@pytest.mark.core
def test_errno_is_what_the_program_gets(runtime: Runtime, bundle: MakeBundle) -> None:
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], profile(rule("mkdir", "mkdirat")))).err


def test_errno_is_eperm_without_a_number(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = profile(rule("mkdir", "mkdirat", action="SCMP_ACT_ERRNO"))
    assert "Operation not permitted" in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err


def test_the_default_errno_is_that_of_the_profile(runtime: Runtime, bundle: MakeBundle) -> None:
    everything = recorded.load_profile("podman-run")
    kept = [r for r in everything["syscalls"] if r["action"] == "SCMP_ACT_ALLOW"]
    for one in kept:
        one["names"] = [n for n in one["names"] if n not in ("mkdir", "mkdirat")]
    changes = profile(*kept, default="SCMP_ACT_ERRNO", defaultErrnoRet=99)
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err


@pytest.mark.parametrize("action", ["SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS"])
def test_kill_ends_the_program_with_sigsys(runtime: Runtime, bundle: MakeBundle, action: str) -> None:
    changes = profile(rule("mkdir", "mkdirat", action=action))
    # By a child: its exit code is the shell's to tell, and 159 is 128 + SIGSYS.
    assert runtime.run(bundle("mkdir /tmp/x; echo $?", changes)).out == "159\n"


def test_log_lets_the_call_pass(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = profile(rule("mkdir", "mkdirat", action="SCMP_ACT_LOG"))
    config = bundle("mkdir /tmp/x && echo made", {**changes, "/root/readonly": False})
    assert runtime.output(config) == "made\n"


@pytest.mark.parametrize(
    ("op", "value", "extra", "refused"),
    [
        ("SCMP_CMP_EQ", 15, {}, True),
        ("SCMP_CMP_EQ", 14, {}, False),
        ("SCMP_CMP_NE", 14, {}, True),
        ("SCMP_CMP_NE", 15, {}, False),
        ("SCMP_CMP_GT", 14, {}, True),
        ("SCMP_CMP_GT", 15, {}, False),
        ("SCMP_CMP_GE", 15, {}, True),
        ("SCMP_CMP_GE", 16, {}, False),
        ("SCMP_CMP_LT", 16, {}, True),
        ("SCMP_CMP_LT", 15, {}, False),
        ("SCMP_CMP_LE", 15, {}, True),
        ("SCMP_CMP_LE", 14, {}, False),
        ("SCMP_CMP_MASKED_EQ", 0b1100, {"valueTwo": 0b1100}, True),
        ("SCMP_CMP_MASKED_EQ", 0b1100, {"valueTwo": 0b0100}, False),
    ],
)
def test_a_comparison_holds(
    runtime: Runtime, bundle: MakeBundle, op: str, value: int, extra: dict[str, int], refused: bool
) -> None:
    condition = {"index": 1, "value": value, "op": op, **extra}
    changes = profile(rule("kill", **ERRNO, args=[condition]))
    result = runtime.run(bundle("trap : TERM; kill -15 $$ || true", changes))
    assert (MARK in result.err) == refused, str(result)


def test_all_conditions_of_a_rule_have_to_hold(runtime: Runtime, bundle: MakeBundle) -> None:
    both = [{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 1, "value": 14, "op": "SCMP_CMP_EQ"}]
    result = runtime.run(
        bundle("trap : TERM; kill -15 $$ || true", profile(rule("kill", **ERRNO, args=both)))
    )
    assert MARK not in result.err


def test_one_of_several_rules_for_a_call_suffices(runtime: Runtime, bundle: MakeBundle) -> None:
    rules = [rule("kill", **ERRNO, args=[{"index": 1, "value": v, "op": "SCMP_CMP_EQ"}]) for v in (14, 15)]
    result = runtime.run(bundle("trap : TERM; kill -15 $$ || true", profile(*rules)))
    assert MARK in result.err


def test_a_name_that_the_kernel_does_not_know_is_passed_over(runtime: Runtime, bundle: MakeBundle) -> None:
    changes = profile(rule("no_such_call", "mkdir", "mkdirat"))
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err


def test_the_filter_is_in_force_inside(runtime: Runtime, bundle: MakeBundle) -> None:
    seen = parse_status(runtime.output(bundle(["cat", "/proc/self/status"], profile(rule("mkdir")))))
    assert (seen["Seccomp"], seen["Seccomp_filters"]) == ("2", "1")


def test_the_filter_is_seen_from_outside(runtime: Runtime, bundle: MakeBundle, pipe: Pipe) -> None:
    container = runtime.start(bundle("echo ready; exec sleep 1000", profile(rule("mkdir"))), stdout=pipe)
    pipe.readline()
    assert status(container.pid)["Seccomp"] == "2"
    container.delete()


def test_without_a_profile_there_is_no_filter(runtime: Runtime, bundle: MakeBundle) -> None:
    assert parse_status(runtime.output(bundle(["cat", "/proc/self/status"])))["Seccomp"] == "0"


@pytest.mark.parametrize("privileges", [True, False])
def test_a_profile_works_with_and_without_no_new_privileges(
    runtime: Runtime, bundle: MakeBundle, privileges: bool
) -> None:
    changes = {**profile(rule("mkdir", "mkdirat")), "/process/noNewPrivileges": privileges}
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err


@pytest.mark.core
@pytest.mark.parametrize("name", ["podman-run", "docker-run", "containerd-seccomp"])
def test_the_profile_of_a_real_client_runs_a_shell(runtime: Runtime, bundle: MakeBundle, name: str) -> None:
    changes = {"/linux/seccomp": recorded.load_profile(name)}
    script = "ls / > /dev/null && echo $(id -u); unshare -m true || echo refused"
    assert runtime.output(bundle(script, changes)).split() == ["0", "refused"]


@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"])
@pytest.mark.not_on("runc", "1.1.5 knows no flags")
def test_a_flag_of_the_profile_is_taken(runtime: Runtime, bundle: MakeBundle, flag: str) -> None:
    changes = profile(rule("mkdir", "mkdirat"), flags=[flag])
    assert MARK in runtime.run(bundle(["mkdir", "/tmp/x"], changes)).err
