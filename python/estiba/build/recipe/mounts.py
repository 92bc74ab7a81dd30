# SPDX-License-Identifier: Apache-2.0
"""`RUN --mount=type=cache,target=/root/.cache,...`: one option string to a typed mount.

Values may hold variables. The parser reads a mount without any (`variables` None) and passes over the values that
wait for one; the executor reads it again with all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from estiba.build.recipe import expand
from estiba.build.recipe.instructions import Mount, Place, Word
from estiba.build.recipe.problems import Fault
from estiba.spec.words import advice, listed, quote

KINDS = ("bind", "cache", "secret", "tmpfs")
SHARING = ("shared", "private", "locked")

KEYS = {
    "type": "type",
    "from": "from",
    "source": "source",
    "src": "source",
    "target": "target",
    "dst": "target",
    "destination": "target",
    "readonly": "readonly",
    "ro": "readonly",
    "readwrite": "readwrite",
    "rw": "readwrite",
    "required": "required",
    "id": "id",
    "sharing": "sharing",
    "mode": "mode",
    "uid": "uid",
    "gid": "gid",
    "size": "size",
    "env": "env",
}
"""Every spelling of an option, and the one that we go on with."""

ALONE = ("readonly", "readwrite", "required")
"""Options that mean true without a value."""

OF_KIND = {
    "bind": {"type", "from", "source", "target", "readonly", "readwrite"},
    "cache": {
        *("type", "from", "source", "target", "readonly", "readwrite"),
        *("id", "sharing", "mode", "uid", "gid"),
    },
    "tmpfs": {"type", "target", "size", "readonly", "readwrite"},
    "secret": {"type", "id", "source", "target", "required", "mode", "uid", "gid", "env"},
}
"""Which options a kind of mount takes."""

SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE)


class Option(NamedTuple):
    """One `key=value`."""

    key: str
    value: str | None
    place: Place
    waits: bool
    """It holds a variable, and there are none yet."""


def read(word: Word, escape: str, variables: expand.Variables | None) -> Mount:
    """Read a mount. Raise Fault."""
    options = [_option(piece, escape, variables) for piece in _divided(word)]
    given: dict[str, Option] = {}
    for option in options:
        if option.key in given:
            raise Fault(option.place, f"{quote(option.key)} is given a second time")
        given[option.key] = option
    kind = _kind(given)
    for option in options:
        if option.key not in OF_KIND[kind] and not _waits(given, "type"):
            takes = listed(sorted(OF_KIND[kind]), "and")
            raise Fault(
                option.place, f"a mount of type {kind} takes no {quote(option.key)}", f"it takes {takes}"
            )
    return _mount(word, kind, given)


def _divided(word: Word) -> list[Word]:
    """Divide at commas."""
    found, column = [], word.place.column
    for text in word.text.split(","):
        found.append(Word(text, word.place._replace(column=column)))
        column += len(text) + 1
    return found


def _option(piece: Word, escape: str, variables: expand.Variables | None) -> Option:
    name, equals, value = piece.text.partition("=")
    key = KEYS.get(name.lower())
    if key is None:
        raise Fault(piece.place, f"{quote(name)} is not an option of a mount", advice(name, KEYS))
    if not equals:
        if key not in ALONE:
            raise Fault(piece.place, f"{quote(name)} needs a value: {name}=VALUE")
        return Option(key, None, piece.place, False)
    place = piece.place._replace(column=piece.place.column + len(name) + 1)
    word = Word(value, place)
    read = expand.parts(word, escape)
    if key == "from" and any(expand.names(read)):
        hint = "begin a stage FROM it and name that: FROM $NAME AS stage"
        raise Fault(place, "from= takes no variable: stages are found before there are any", hint)
    waits = variables is None and any(expand.names(read))
    return Option(key, value if waits else expand.value(read, variables or {}, word), place, waits)


def _kind(given: dict[str, Option]) -> Any:
    option = given.get("type")
    if option is None or option.waits:
        return "bind"
    kind = (option.value or "").lower()
    if kind == "ssh":
        hint = "give a key to a step by --mount=type=secret"
        raise Fault(option.place, "mounts of type ssh are not supported", hint)
    if kind not in KINDS:
        raise Fault(option.place, f"{quote(option.value)} is not a type of mount", advice(kind, KINDS))
    return kind


def _mount(word: Word, kind: Any, given: dict[str, Option]) -> Mount:
    def text(key: str) -> str | None:
        return given[key].value if key in given else None

    sharing = text("sharing") or "shared"
    if sharing.lower() not in SHARING and not _waits(given, "sharing"):
        raise Fault(
            given["sharing"].place, f"{quote(sharing)} is not a way of sharing", advice(sharing, SHARING)
        )
    mount = Mount(
        word=word,
        kind=kind,
        target=text("target"),
        source=text("source"),
        stage=text("from"),
        is_read_only=_is_read_only(kind, given),
        id=text("id"),
        sharing=sharing.lower(),  # type: ignore[arg-type]  # held against SHARING above
        is_required=_truth(given, "required") or False,
        mode=_number(given, "mode", lambda value: int(value, 8), "octal, as 0755"),
        user=_number(given, "uid", int, "a number, as 1000"),
        group=_number(given, "gid", int, "a number, as 1000"),
        size=_number(given, "size", _bytes, "a number of bytes, as 64m or 1g"),
        env=text("env"),
    )
    if not _waits(given, "type"):
        _judge(mount, given)
    return mount


def _judge(mount: Mount, given: dict[str, Option]) -> None:
    """Hold the options of a mount against each other."""
    if mount.kind == "secret":
        if mount.source and mount.id:
            raise Fault(given["source"].place, "a secret is named by id= or by source=, not by both")
        if not (mount.source or mount.id or mount.target):
            raise Fault(mount.word.place, "a secret mount needs an id: type=secret,id=NAME")
    elif not mount.target:
        raise Fault(mount.word.place, f"a mount of type {mount.kind} needs a target: target=/FOLDER")
    elif mount.target.strip("/.") == "" and ".." not in mount.target and mount.target.startswith("/"):
        raise Fault(given["target"].place, "nothing can be mounted on the root of the step")


def _waits(given: dict[str, Option], key: str) -> bool:
    return key in given and given[key].waits


def _is_read_only(kind: str, given: dict[str, Option]) -> bool:
    """A bind mount and a secret are, unless the options say otherwise; the last one said counts."""
    found = kind in ("bind", "secret")
    for key in given:
        if key == "readonly":
            found = _truth(given, key) is not False
        elif key == "readwrite":
            found = _truth(given, key) is False
    return found


def _truth(given: dict[str, Option], key: str) -> bool | None:
    option = given.get(key)
    if option is None or option.waits:
        return None
    value = "true" if option.value is None else option.value.lower()
    if value not in ("1", "t", "true", "0", "f", "false"):
        raise Fault(option.place, f'{quote(key)} is "true" or "false", not {quote(option.value)}')
    return value in ("1", "t", "true")


def _number(given: dict[str, Option], key: str, convert: Callable[[str], int], form: str) -> int | None:
    option = given.get(key)
    if option is None or option.waits or option.value is None:
        return None
    try:
        if not option.value.isascii() or "_" in option.value or len(option.value) > 40:
            raise ValueError
        number = convert(option.value)
    except ValueError:
        number = -1
    # The last of 32 bits says "leave it as it is" to chown(2).
    if not 0 <= number < (1 << 63 if key == "size" else (1 << 32) - 1):
        raise Fault(option.place, f"{quote(key)} is {form}, not {quote(option.value)}")
    return number


def _bytes(text: str) -> int:
    match = SIZE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(float(match[1]) * 1024 ** "_kmgtp".index(match[2].lower() or "_"))
