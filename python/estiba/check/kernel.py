# SPDX-License-Identifier: Apache-2.0
"""What this kernel must have: namespaces, security modules, seccomp actions, parameters, limits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from estiba.problems import Problem
from estiba.spec.node import Node
from estiba.tables.namespaces import NAMESPACES

ACTIONS = {
    "SCMP_ACT_KILL_PROCESS": "kill_process",
    "SCMP_ACT_NOTIFY": "user_notif",
    "SCMP_ACT_LOG": "log",
    "SCMP_ACT_TRACE": "trace",
}
"""Seccomp actions that kernels came to have one by one, and the kernel's words for them (seccomp(2))."""


def check(config: Node) -> Iterator[Problem]:
    """Judge what is asked of the kernel."""
    yield from _namespaces(config)
    yield from _profile(config)
    yield from _seccomp(config.at("linux", "seccomp"))
    yield from _sysctls(config.at("linux", "sysctl"))
    yield from _rlimits(config.at("process", "rlimits"))


def _namespaces(config: Node) -> Iterator[Problem]:
    for entry in config.at("linux", "namespaces").items():
        kind, path = entry.at("type").text(), entry.at("path").text()
        if kind not in NAMESPACES:
            continue
        file = NAMESPACES[kind][1]
        if not os.path.exists(f"/proc/self/ns/{file}"):
            yield entry.at("type").problem(f"this kernel has no {kind} namespaces")
        elif path and not os.path.exists(path):
            yield entry.at("path").problem(
                f'the namespace "{path}" is absent', "has the process that held it ended?"
            )
        elif not path and _text(f"/proc/sys/user/max_{file}_namespaces") == "0":
            hint = f"root may raise /proc/sys/user/max_{file}_namespaces"
            yield entry.problem(f"this host allows no further {kind} namespace", hint)


def _profile(config: Node) -> Iterator[Problem]:
    profile = config.at("process", "apparmorProfile")
    if profile.text() and profile.text() != "unconfined":
        # Where AppArmor is not active, profiles are ignored; where the list may not be read, nothing is known.
        try:
            loaded = Path("/sys/kernel/security/apparmor/profiles").read_text()
        except OSError:
            return
        if profile.text() not in [line.rpartition(" ")[0] for line in loaded.splitlines()]:
            yield profile.problem(f'the AppArmor profile "{profile.text()}" is not loaded')


def _seccomp(profile: Node) -> Iterator[Problem]:
    known = _text("/proc/sys/kernel/seccomp/actions_avail").split()
    if profile.value is not None and not known:
        yield profile.problem("this kernel has no seccomp filters")
        return
    nodes = [profile.at("defaultAction"), *(call.at("action") for call in profile.at("syscalls").items())]
    for node in nodes:
        if node.text() in ACTIONS and ACTIONS[node.text()] not in known:
            yield node.problem(f'this kernel lacks the seccomp action "{node.text()}"')
    listener = profile.at("listenerPath")
    if listener.text() and not os.path.exists(listener.text()):
        hint = "the agent listens on it before the container starts"
        yield listener.problem(f'the seccomp agent\'s socket "{listener.text()}" is absent', hint)


def _sysctls(parameters: Node) -> Iterator[Problem]:
    for key, node in parameters.entries():
        if not os.path.exists(f"/proc/sys/{key.replace('.', '/')}") and "/" not in key:
            yield node.problem(f'this kernel has no parameter "{key}"', "a kernel module may bring it")


def _rlimits(rlimits: Node) -> Iterator[Problem]:
    most = _text("/proc/sys/fs/nr_open")
    for rlimit in rlimits.items():
        hard = rlimit.at("hard").number()
        if rlimit.at("type").text() == "RLIMIT_NOFILE" and hard and most.isdecimal() and hard > int(most):
            hint = "root may raise /proc/sys/fs/nr_open"
            yield rlimit.at("hard").problem(f"{hard} open files are more than this host allows: {most}", hint)


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
