# SPDX-License-Identifier: Apache-2.0
"""Filters decide as libseccomp's do, for the profiles that podman, Docker and containerd hand to a runtime.

One difference is meant: where the default action refuses, numbers above all that the profile names get ENOSYS
(runc does the same in front of libseccomp's program).
"""

import json
from pathlib import Path
from typing import Any

import pytest
import seccomp_engine
import seccomp_libseccomp
from seccomp_calls import calls
from seccomp_libseccomp import Profile
from seccomp_meaning import ABIS, ENOSYS, abi_of, is_chosen, is_newer
from seccomp_simulator import I386, X86_64, decode, run, words

from estiba.tables import syscalls

RECORDED = Path(__file__).resolve().parent.parent / "recorded"
HIGHEST = 600


def recorded_profiles() -> dict[str, Profile]:
    """The distinct seccomp sections among the recorded configs, each under the first config that has it."""
    found: dict[str, str] = {}
    for path in sorted(RECORDED.glob("*.json")):
        config: Any = json.loads(path.read_text())
        if isinstance(config, dict) and (section := (config.get("linux") or {}).get("seccomp")):
            found.setdefault(json.dumps(section, sort_keys=True), path.stem)
    return {stem: json.loads(text) for text, stem in found.items()}


PROFILES = recorded_profiles()


@pytest.mark.parametrize("name", PROFILES)
def test_a_recorded_profile_decides_every_call_as_libseccomp(name: str) -> None:
    """Numbers 0 to 600 of each ABI and the edges; arguments around each compared value."""
    profile = PROFILES[name]
    ours = decode(seccomp_engine.compile_profile(profile))
    theirs = decode(seccomp_libseccomp.compile_profile(profile))
    differences, newer, compared = [], 0, 0
    for call in calls(profile, HIGHEST, argument_limit=400):
        data = words(*call)
        abi = abi_of(call)
        (answer, _), (expected, _) = run(ours, data), run(theirs, data)
        compared += 1
        if abi is not None and is_chosen(profile, abi) and is_newer(profile, abi, call):
            newer += 1
            expected = ENOSYS
        if answer != expected:
            differences.append((call, hex(answer), hex(expected)))
    assert differences == []
    assert compared > 3000
    assert newer < compared / 3


def test_the_recordings_hold_the_profile_of_each_client() -> None:
    """The test above must not run dry."""
    assert {stem.split("-")[0] for stem in PROFILES} == {"containerd", "docker", "podman"}


@pytest.mark.parametrize("name", PROFILES)
def test_a_filter_is_less_than_a_third_as_long_as_libseccomp_s(name: str) -> None:
    """Length is what loading costs: the kernel checks and translates each instruction."""
    ours = decode(seccomp_engine.compile_profile(PROFILES[name]))
    theirs = decode(seccomp_libseccomp.compile_profile(PROFILES[name]))
    assert 3 * len(ours) < len(theirs)


@pytest.mark.parametrize("name", PROFILES)
def test_no_call_takes_more_than_forty_instructions(name: str) -> None:
    """The tree is balanced: libseccomp walks a list of hundreds."""
    profile = PROFILES[name]
    ours = decode(seccomp_engine.compile_profile(profile))
    longest = max(run(ours, words(*call))[1] for call in calls(profile, HIGHEST, argument_limit=100))
    assert longest <= 40


@pytest.mark.parametrize("abi", ABIS.values(), ids=ABIS)
def test_the_tables_number_calls_as_libseccomp_does(abi: Any) -> None:
    """Negative numbers are libseccomp's own, for calls that it treats apart."""
    theirs = {name: seccomp_libseccomp.number(abi.word, name) for name in abi.numbers}
    own = {name: number for name, number in theirs.items() if number >= 0}
    assert own == {name: abi.numbers[name] for name in own}
    assert len(own) > 300


def test_an_architecture_that_the_host_cannot_run_changes_nothing() -> None:
    """libseccomp would add its calls to the program; none can arrive."""
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}],
    }
    foreign = {**profile, "architectures": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_S390X"]}
    assert seccomp_engine.compile_profile(foreign) == seccomp_engine.compile_profile(profile)


def test_libseccomp_forgets_the_number_where_i386_has_multiplexed_calls_alone() -> None:
    """libseccomp 2.5.4 then compares the architecture with 102: accept under socketcall stays refused."""
    profile = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "architectures": ["SCMP_ARCH_X86"],
        "syscalls": [{"names": ["accept"], "action": "SCMP_ACT_ALLOW"}],
    }
    accept = words(I386, 102, (5, 0, 0, 0, 0, 0))
    assert run(decode(seccomp_engine.compile_profile(profile)), accept)[0] == 0x7FFF_0000
    assert run(decode(seccomp_libseccomp.compile_profile(profile)), accept)[0] == 0x0005_0001


def test_libseccomp_loses_one_of_two_comparisons_with_different_high_words() -> None:
    """libseccomp 2.5.4 answers as if only one of two entries were there; ours holds both."""
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": ["clone"], "action": "SCMP_ACT_KILL", "args": [argument]}
            for argument in (
                {"index": 0, "value": 3, "op": "SCMP_CMP_LT"},
                {"index": 0, "value": 1 << 63, "op": "SCMP_CMP_LT"},
            )
        ],
    }
    clone = words(X86_64, syscalls.X86_64["clone"], (0xFFFF_FFFF, 0, 0, 0, 0, 0))
    assert run(decode(seccomp_engine.compile_profile(profile)), clone)[0] == 0
    assert run(decode(seccomp_libseccomp.compile_profile(profile)), clone)[0] == 0x7FFF_0000
