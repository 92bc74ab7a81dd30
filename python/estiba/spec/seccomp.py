# SPDX-License-Identifier: Apache-2.0
"""Rules for `linux.seccomp`: what an action may carry, and who answers SCMP_ACT_NOTIFY."""

from __future__ import annotations

from collections.abc import Iterator

from estiba.problems import Problem
from estiba.spec.node import Node

NOTIFY = "SCMP_ACT_NOTIFY"

LARGEST_ERRNO = {"SCMP_ACT_ERRNO": 4095, "SCMP_ACT_TRACE": 65535, NOTIFY: 4095}
"""Actions that take an errno. The kernel cuts the one of ERRNO at MAX_ERRNO; the field has 16 bits."""


def check(config: Node) -> Iterator[Problem]:
    """Judge the filter."""
    seccomp = config.at("linux", "seccomp")
    rules = seccomp.at("syscalls").items()
    default = seccomp.at("defaultAction")
    yield from _errno(default, seccomp.at("defaultErrnoRet"))
    for rule in rules:
        yield from _errno(rule.at("action"), rule.at("errnoRet"))
    if default.value == NOTIFY:
        # The agent gets its descriptor by calls that would already wait for the agent.
        yield default.problem(f"{NOTIFY} cannot be the default action", "name the system calls to ask about")
    asks = [rule.at("action") for rule in rules if rule.at("action").value == NOTIFY]
    listener = seccomp.at("listenerPath").value
    if asks and not listener:
        yield asks[0].problem(f'{NOTIFY} needs a "listenerPath"', "name the socket of the agent that answers")
    if seccomp.at("listenerMetadata").text() and not listener:
        yield seccomp.at("listenerMetadata").problem('metadata for an agent, and no "listenerPath" to it')


def _errno(action: Node, errno: Node) -> Iterator[Problem]:
    number = errno.number()
    if number is None or not action.text():
        return
    largest = LARGEST_ERRNO.get(action.text())
    if largest is None:
        yield errno.problem(f"{action.text()} returns no errno, only SCMP_ACT_ERRNO and SCMP_ACT_TRACE do")
    elif number > largest:
        yield errno.problem(f"{number} is out of range, expected 0 to {largest}")
