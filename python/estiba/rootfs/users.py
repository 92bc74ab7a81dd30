# SPDX-License-Identifier: Apache-2.0
"""Who "app", "1000:staff" or "33" is in a root file system: by its own /etc/passwd and /etc/group.

The rules are those of the image specification (config.md, "User"): name or number, each alone or with a group; a
group that is named leaves out the user's further groups. Its own group is among the groups as well: a process
that has it as its own alone gets rid of it by any set-group-id program (CVE-2022-36109).
"""

from __future__ import annotations

from typing import NamedTuple

from estiba.errors import ArgumentInvalid
from estiba.rootfs.inside import read_inside

LIMIT = 8 << 20
"""Bytes of passwd or group that are read: more than any that is meant."""
LARGEST = 2**32 - 2
"""The largest id: the next number means "leave it" to the kernel (chown(2))."""


class User(NamedTuple):
    """Whom a program runs as."""

    uid: int
    gid: int
    additional_gids: tuple[int, ...]
    """With its own."""
    home: str
    """/ where the file says none."""
    name: str | None
    """The name in /etc/passwd, if there is one."""


def find_user(root: int, text: str) -> User:
    """Return who `text` is in the root file system open at `root`; "" is root.

    Raises ArgumentInvalid where a name is not there, or a number is no id.
    """
    user, colon, group = text.partition(":")
    entry = passwd_entry(root, user or "0")
    if entry is None:
        if user and not is_digits(user):
            known = [fields[0] for fields in records(root, "/etc/passwd", 7)]
            raise unknown("user", user, "/etc/passwd", known)
        entry = ["", "", str(number("user", user or "0")), "0", "", "/", ""]
    uid, gid = number("user", entry[2]), number("group", entry[3])
    additional: list[int] = []
    groups = records(root, "/etc/group", 4) if group or entry[0] else []
    if colon and group:
        gid = group_id(group, groups)
    else:
        mine = [fields for fields in groups if entry[0] and entry[0] in fields[3].split(",")]
        additional = [int(fields[2]) for fields in mine if is_digits(fields[2])]
    return User(uid, gid, tuple(sorted({*additional, gid})), entry[5] or "/", entry[0] or None)


def find_group(root: int, text: str) -> int:
    """Return the id of a group that is named or numbered. Raises ArgumentInvalid."""
    return group_id(text, records(root, "/etc/group", 4))


def passwd_entry(root: int, user: str) -> list[str] | None:
    """Return the fields of the user's line in /etc/passwd.

    A number is an id, whatever is named so: who reads USER 1000 may count on it (CVE-2016-3697).
    """
    entries = records(root, "/etc/passwd", 7)
    entries = [fields for fields in entries if is_digits(fields[2]) and is_digits(fields[3])]
    if is_digits(user):
        return next((fields for fields in entries if int(fields[2]) == int(user)), None)
    return next((fields for fields in entries if fields[0] == user), None)


def group_id(text: str, groups: list[list[str]]) -> int:
    """Return the id of a group by number or name."""
    if is_digits(text):
        return number("group", text)
    named = next((fields for fields in groups if fields[0] == text), None)
    if named is None:
        raise unknown("group", text, "/etc/group", [fields[0] for fields in groups])
    return number("group", named[2])


def records(root: int, path: str, width: int) -> list[list[str]]:
    """Return the lines of a colon-separated file, each with `width` fields; [] where there is no such file."""
    try:
        text = read_inside(root, path, LIMIT).decode(errors="replace")
    except OSError:
        return []
    lines = (line.split(":") for line in text.split("\n") if line and not line.startswith("#"))
    return [(fields + [""] * width)[:width] for fields in lines if len(fields) >= 3]


def is_digits(text: str) -> bool:
    """Return whether it is a number that may be an id."""
    return text.isascii() and text.isdigit() and len(text) <= 20


def number(kind: str, digits: str) -> int:
    """Return an id. Raises ArgumentInvalid for what the kernel takes for none."""
    if not is_digits(digits) or int(digits) > LARGEST:
        raise ArgumentInvalid(f'"{digits}" is no {kind} id: it is a number from 0 to {LARGEST}')
    return int(digits)


def unknown(kind: str, name: str, file: str, known: list[str]) -> ArgumentInvalid:
    """Make the error of a name that is not in the image."""
    from estiba.spec.words import nearest

    near = nearest(name, known)
    hint = f'did you mean "{near}"?' if near else f"give a number, or a {kind} that the image's {file} has"
    return ArgumentInvalid(f'{kind} "{name}" is not in {file} of the image', hint=hint)
