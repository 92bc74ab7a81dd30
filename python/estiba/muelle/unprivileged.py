# SPDX-License-Identifier: Apache-2.0
"""Who is not root becomes root of a user namespace: all verbs after that are those of root, over the user's own ids.

Inside, 0 is the user, and 1 upwards are the ids that /etc/subuid and /etc/subgid give, mapped by newuidmap(1) and
newgidmap(1), which alone may do that. Without such ids only 0 is mapped: files of other owners become the user's own.
"""

from __future__ import annotations

import os

from estiba.errors import HostUnsupported
from estiba.images import snapshots
from estiba.images.store import default_root
from estiba.lifecycle.root import state_root

PROGRAMS = {"uid": "newuidmap", "gid": "newgidmap"}
RANGES = {"uid": "/etc/subuid", "gid": "/etc/subgid"}


def become_root() -> None:
    """Enter a user namespace of one's own as its root; root itself is left as it is.

    Raises KernelRefused, HostUnsupported.
    """
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        return
    # Where the user's things are is asked before the ids say something else.
    os.environ["ESTIBA_STORE"] = default_root()
    os.environ["ESTIBA_ROOT"] = state_root()
    os.environ.setdefault("XDG_RUNTIME_DIR", f"/run/user/{uid}")
    name = _name(uid)
    os.environ["USER"] = name
    ranges = {kind: _ranges(path, name, uid) for kind, path in RANGES.items()}
    own = {"uid": uid, "gid": gid}
    if all(ranges.values()):
        maps = {kind: _mapping(own[kind], ranges[kind]) for kind in own}
        _enter(maps)
        os.setgroups([])
    else:
        snapshots.own_user_namespace()
        _write("setgroups", "deny")
        for kind, id in own.items():
            _write(f"{kind}_map", f"0 {id} 1")
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _enter(maps: dict[str, list[str]]) -> None:
    """Enter the namespace; a child that stays outside has its ids mapped, as only somebody there may."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    process = str(os.getpid())
    child = os.fork()
    if child == 0:
        os.close(writer)
        entered = os.read(reader, 1) == b"e"
        done = entered and all(
            os.spawnvp(os.P_WAIT, PROGRAMS[kind], [PROGRAMS[kind], process, *words]) == 0
            for kind, words in maps.items()
        )
        os._exit(0 if done else 1)
    os.close(reader)
    try:
        snapshots.own_user_namespace()
        os.write(writer, b"e")
    finally:
        os.close(writer)
        _, status = os.waitpid(child, 0)
    if status:
        message = "the ids of /etc/subuid and /etc/subgid could not be mapped"
        raise HostUnsupported(message, hint="newuidmap and newgidmap do it: Debian has them in uidmap")


def _name(uid: int) -> str:
    """Return the user's name, or the number where there is none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _ranges(path: str, name: str, uid: int) -> list[tuple[int, int]]:
    """Return first and count of each range that a file like subuid(5) gives the user."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.strip().split(":") for line in file]
    except OSError:
        return []
    mine = [line[1:] for line in lines if len(line) == 3 and line[0] in (name, str(uid))]
    return [(int(first), int(count)) for first, count in mine if first.isdecimal() and count.isdecimal()]


def _mapping(own: int, ranges: list[tuple[int, int]]) -> list[str]:
    """Return the words for newuidmap(1): own id as 0, the ranges one after the other from 1."""
    words, inside = ["0", str(own), "1"], 1
    for first, count in ranges:
        words += [str(inside), str(first), str(count)]
        inside += count
    return words


def _write(name: str, text: str) -> None:
    with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
        file.write(text)
