# SPDX-License-Identifier: Apache-2.0
"""The tables hold together: numbers are the kernel's, words are no caller's by accident."""

from __future__ import annotations

import errno
import os
import resource
import signal

import pytest

from estiba.tables import (
    arguments,
    errnos,
    mount_options,
    namespaces,
    phrases,
    rlimits,
    signals,
    syscalls,
    transitions,
)


def clashes(words: str) -> list[str]:
    """Return the phrases of callers that stand in some words."""
    return [phrase for phrase in phrases.CALLERS if phrase in words.lower()]


def test_house_words_name_known_errnos() -> None:
    """No word stands for an error number that the kernel does not have."""
    assert set(phrases.ERRNO_WORDS) <= set(errnos.ERRNOS)


@pytest.mark.parametrize("name", phrases.ERRNO_WORDS)
def test_house_words_hold_no_phrase_of_a_caller(name: str) -> None:
    """What callers search for does not slip in by way of an error number."""
    assert clashes(phrases.ERRNO_WORDS[name]) == []


def test_refusals_of_the_parser_hold_no_phrase_of_a_caller() -> None:
    """A usage error is none that a caller acts on."""
    words = [*arguments.REFUSALS.values(), *arguments.HINTS.values()]
    assert [clashes(each) for each in words if clashes(each)] == []


def test_only_kill_says_that_a_container_is_not_running() -> None:
    """containerd takes the phrase as proof that the process has ended."""
    assert [verb for verb, words in transitions.NEEDS.items() if clashes(words)] == ["kill"]


def test_no_hint_holds_a_phrase_of_a_caller() -> None:
    """Hints stand in the log's one record beside the message."""
    hints = [hint for advice in transitions.HINTS.values() for hint in advice.values()]
    assert [hint for hint in hints if clashes(hint)] == []


def test_errnos_are_those_of_the_c_library() -> None:
    """Python was compiled against the same numbers."""
    assert {name: number for name, number in errnos.ERRNOS.items() if hasattr(errno, name)} == {
        name: getattr(errno, name) for name in errnos.ERRNOS if hasattr(errno, name)
    }


def test_signals_are_those_of_the_c_library() -> None:
    """Every signal that Python names has its number here."""
    named = {each.name.removeprefix("SIG"): each.value for each in signal.Signals}
    assert {name: signals.SIGNALS[name] for name in named} == named


def test_rlimits_are_those_of_the_c_library() -> None:
    """Every limit that Python names has its number here."""
    known = {name: number for name, number in rlimits.RLIMITS.items() if hasattr(resource, name)}
    assert known == {name: getattr(resource, name) for name in known}


def test_every_namespace_has_its_file() -> None:
    """The kernel shows each of them in /proc/self/ns."""
    files = {file for _flag, file in namespaces.NAMESPACES.values()}
    assert files <= set(os.listdir("/proc/self/ns"))


def test_every_attribute_option_has_a_recursive_form() -> None:
    """mount_setattr(2) can do for a tree what it does for a mount."""
    assert {f"r{name}" for name in mount_options.ATTRIBUTES} <= set(mount_options.MOUNT_OPTIONS)


def test_time_of_access_options_stay_in_their_field() -> None:
    """They are one setting of three bits, and nodiratime is none of them."""
    times = ("noatime", "atime", "strictatime", "nostrictatime", "relatime", "norelatime")
    bits = [bit for name in times for bit in mount_options.ATTRIBUTES[name]]
    assert all(bit & ~mount_options.ATIME_FIELD == 0 for bit in bits)


def test_system_calls_of_new_kernels_are_known() -> None:
    """A profile that names one means it, on any kernel; from 424 on all interfaces have the same numbers."""
    for name, number in (("cachestat", 451), ("mseal", 462), ("file_setattr", 469)):
        found = (syscalls.X86_64[name], syscalls.X86[name], syscalls.X32[name])
        assert found == (number, number, 1 << 30 | number)
