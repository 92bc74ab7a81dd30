# SPDX-License-Identifier: Apache-2.0
"""Generated profiles: filters decide as the text says (seccomp_meaning), and as libseccomp does where it is right.

libseccomp 2.5.4 merges the entries of a call into one tree of 32-bit comparisons. The tree loses conditions where
entries share part of one, so libseccomp is asked about the profiles that it gets right: one entry a call with any
conditions; several with one condition each, ordered comparisons within 32 bits; several that test for equality
with different actions. Each profile also names a call of i386 without conditions. test_seccomp_oracle.py pins two
cases outside this domain, where libseccomp is wrong.
"""

from typing import Any

import seccomp_engine
import seccomp_libseccomp
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from seccomp_calls import calls
from seccomp_libseccomp import EEXIST, OPERATORS, Profile
from seccomp_meaning import ENOSYS, decide
from seccomp_simulator import decode, run, words

Entry = dict[str, Any]

NAMES = ("personality", "clone", "socket", "semop", "shmat", "accept")
ACTIONS: tuple[Entry, ...] = (
    {"action": "SCMP_ACT_ALLOW"},
    {"action": "SCMP_ACT_ERRNO", "errnoRet": 5},
    {"action": "SCMP_ACT_ERRNO", "errnoRet": 38},
    {"action": "SCMP_ACT_KILL_PROCESS"},
    {"action": "SCMP_ACT_TRACE", "errnoRet": 9},
)
ARCHITECTURES = ("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")
ORDERED = ("SCMP_CMP_LT", "SCMP_CMP_LE", "SCMP_CMP_GE", "SCMP_CMP_GT")
LOW = (0, 1, 2, 3, 5, 16, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
VALUES = (*LOW, 1 << 32, 1 << 32 | 5, 1 << 63, (1 << 64) - 1)
PLAIN_ENTRY: Entry = {"names": ["getpid"], "action": "SCMP_ACT_TRAP"}

names = st.sampled_from(NAMES)
actions = st.sampled_from(ACTIONS)
values = st.sampled_from(VALUES) | st.integers(0, (1 << 64) - 1)
slow = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def conditions(operators: tuple[str, ...] = tuple(OPERATORS)) -> st.SearchStrategy[Entry]:
    """One object of `args`."""
    fields = {
        "index": st.integers(0, 2),
        "op": st.sampled_from(operators),
        "value": values,
        "valueTwo": values,
    }
    return st.fixed_dictionaries(fields)


def low_ordered(condition: Entry) -> Entry:
    """The condition, with ordered comparisons held to 32 bits."""
    return (
        {**condition, "value": condition["value"] & 0xFFFF_FFFF} if condition["op"] in ORDERED else condition
    )


def profiles(syscalls: st.SearchStrategy[list[Entry]]) -> st.SearchStrategy[Profile]:
    """Profiles with these entries."""
    return st.builds(
        lambda default, architectures, entries: {
            "defaultAction": default,
            "architectures": architectures,
            "syscalls": [PLAIN_ENTRY, *entries],
        },
        st.sampled_from(("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "SCMP_ACT_KILL", "SCMP_ACT_LOG")),
        st.lists(st.sampled_from(ARCHITECTURES), unique=True),
        syscalls,
    )


def entry(name: str, action: Entry, args: list[Entry]) -> Entry:
    """One object of `syscalls`."""
    return {"names": [name], **action, "args": args}


any_entries = st.lists(st.builds(entry, names, actions, st.lists(conditions(), max_size=3)), max_size=6)
lone_entries = st.lists(
    st.builds(entry, names, actions, st.lists(conditions(), max_size=3, unique_by=lambda arg: arg["index"])),
    max_size=5,
    unique_by=lambda made: str(made["names"]),
)
one_action_entries = actions.flatmap(
    lambda action: st.lists(
        st.builds(entry, names, st.just(action), st.lists(conditions().map(low_ordered), max_size=1)),
        max_size=6,
    )
)
equality_entries = st.lists(
    st.builds(entry, names, actions, st.lists(conditions(("SCMP_CMP_EQ",)), max_size=2)), max_size=6
)


def answers(program: bytes, profile: Profile) -> dict[Any, int]:
    """What a filter says of each call in question."""
    decoded = decode(program)
    return {call: run(decoded, words(*call))[0] for call in calls(profile, highest=45, argument_limit=60)}


@slow
@given(profiles(any_entries))
def test_a_filter_decides_as_the_profile_says(profile: Profile) -> None:
    """Any entries, also contradictory ones; those that contradict each other outright are refused."""
    try:
        program = seccomp_engine.compile_profile(profile)
    except seccomp_engine.Refused as refused:
        assert "gives the same call and arguments another action" in str(refused)
        return
    decided = answers(program, profile)
    assert decided == {call: decide(profile, call) for call in decided}


@slow
@given(profiles(lone_entries | one_action_entries | equality_entries))
def test_a_filter_decides_as_libseccomp(profile: Profile) -> None:
    """Where libseccomp takes the profile; ENOSYS for newer numbers is ours."""
    try:
        theirs = answers(seccomp_libseccomp.compile_profile(profile), profile)
    except seccomp_libseccomp.Refused as refused:
        assert refused.errno == EEXIST
        assume(False)
    ours = answers(seccomp_engine.compile_profile(profile), profile)
    newer = {call for call in ours if ours[call] == ENOSYS == decide(profile, call)}
    assert {call: ours[call] for call in ours.keys() - newer} == {
        call: theirs[call] for call in theirs.keys() - newer
    }
