# SPDX-License-Identifier: Apache-2.0
"""The launch table: user namespace (none, new, by path) by pid namespace (none, new, by path), as root and without
privileges. One test a cell: each container says who and where it is, and the host says the same.

The kernel lets no one mount a new procfs whose pid namespace belongs to another user namespace, so those cells bind
the host's, as callers do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOTLESS_UID, MakeBundle
from support.bundles import ABSENT, Bundle
from support.processes import Pipe, holder, namespace
from support.runtime import Runtime, become, reference

KINDS = ("none", "new", "path")
REPORT = "id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/pid; echo $$; exec sleep 1000"
HOST_PROC = {"destination": "/proc", "type": "none", "source": "/proc", "options": ["rbind"]}


@contextlib.contextmanager
def cell(user: str, pid: str, base: dict[str, Any], owner: int | None = None) -> Iterator[dict[str, Any]]:
    """The changes that make a config one of this cell; what is joined by path is held meanwhile.

    A user without privileges joins only what belongs to it: the holder is then its process.
    """
    mapping = [{"containerID": 0, "hostID": owner or 100_000, "size": 1 if owner else 65_536}]
    maps = " ".join(str(mapping[0][key]) for key in ("containerID", "hostID", "size"))
    joined = [option for option, kind in (("--user", user), ("--pid", pid)) if kind == "path"]
    with contextlib.ExitStack() as stack:
        held = 0
        if joined:
            prefix = tuple(become(owner)) if owner and user == "path" else ()
            held = stack.enter_context(
                holder(*joined, uid_map=maps if user == "path" else None, prefix=prefix)
            )
        listed = [n for n in base["linux"]["namespaces"] if n["type"] not in ("user", "pid")]
        for name, kind in (("user", user), ("pid", pid)):
            if kind != "none":
                listed.append(
                    {"type": name, **({"path": f"/proc/{held}/ns/{name}"} if kind == "path" else {})}
                )
        # The specification wants mappings for a new namespace alone; runc 1.1.5 also for one that it joins.
        mapped = user == "new" or (user == "path" and reference() == "runc")
        yield {
            "/linux/namespaces": listed,
            "/linux/uidMappings": mapping if mapped else ABSENT,
            "/linux/gidMappings": mapping if mapped else ABSENT,
            **({} if owns_pid(user, pid) else {"/mounts/0": HOST_PROC}),
        }


def owns_pid(user: str, pid: str) -> bool:
    """Say whether the pid namespace of this cell belongs to its user namespace."""
    return user == "none" or pid == "new" or (user, pid) == ("path", "path")


def check(runtime: Runtime, config: Bundle, pipe: Pipe, user: str, pid: str, outer_uid: int) -> None:
    """Start the container and compare what it says with what the host sees."""
    container = runtime.start(config, stdout=pipe)
    uid, user_ns, pid_ns, own_pid = (pipe.readline() for _ in range(4))
    assert uid == "0"
    assert user_ns == namespace(container.pid, "user")
    assert pid_ns == namespace(container.pid, "pid")
    assert Path(f"/proc/{container.pid}").stat().st_uid == outer_uid
    assert (user_ns == namespace("self", "user")) == (user == "none")
    assert (pid_ns == namespace("self", "pid")) == (pid == "none")
    assert (own_pid == "1") == (pid == "new")
    for joined in (n for n in config.config["linux"]["namespaces"] if "path" in n):
        assert namespace(joined["path"].split("/")[2], joined["type"]) == namespace(
            container.pid, joined["type"]
        )
    if (reference(), user, pid) != (
        "runc",
        "new",
        "path",
    ):  # 1.1.5 joins user before pid, which the kernel refuses
        assert container.exec("sh", "-c", "echo in").out == "in\n"
    container.delete()


@pytest.mark.core
@pytest.mark.parametrize("pid", KINDS)
@pytest.mark.parametrize("user", KINDS)
def test_as_root(
    runtime: Runtime, bundle: MakeBundle, base_config: dict[str, Any], pipe: Pipe, user: str, pid: str
) -> None:
    with cell(user, pid, base_config) as changes:
        config = bundle(REPORT, changes)
        if user != "none":
            config.own_by(100_000)
        check(runtime, config, pipe, user, pid, 0 if user == "none" else 100_000)


@pytest.mark.core
@pytest.mark.parametrize(("user", "pid"), [("new", "none"), ("new", "new"), *(("path", p) for p in KINDS)])
def test_rootless(
    rootless: Runtime, bundle: MakeBundle, rootless_config: dict[str, Any], pipe: Pipe, user: str, pid: str
) -> None:
    with cell(user, pid, rootless_config, ROOTLESS_UID) as changes:
        config = bundle(REPORT, changes, base=rootless_config)
        config.own_by(ROOTLESS_UID)
        check(rootless, config, pipe, user, pid, ROOTLESS_UID)


@pytest.mark.core
@pytest.mark.parametrize(("user", "pid"), [*(("none", p) for p in KINDS), ("new", "path")])
def test_rootless_refuses_what_the_kernel_does_not_allow(
    rootless: Runtime, bundle: MakeBundle, rootless_config: dict[str, Any], user: str, pid: str
) -> None:
    with cell(user, pid, rootless_config, ROOTLESS_UID) as changes:
        config = bundle(REPORT, changes, base=rootless_config)
        config.own_by(ROOTLESS_UID)
        result = rootless.run(config)
        assert (result.code != 0, result.out) == (True, "")
        assert result.err
