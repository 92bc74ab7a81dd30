# SPDX-License-Identifier: Apache-2.0
"""WORKDIR, USER, STOPSIGNAL, MAINTAINER: one argument. EXPOSE, VOLUME: a list."""

from __future__ import annotations

import re

from estiba.build.recipe.instructions import Expose, Maintainer, StopSignal, User, Volume, Word, Workdir
from estiba.build.recipe.problems import Fault
from estiba.build.recipe.readers.argument import Argument
from estiba.build.recipe.words import at_blanks, rest
from estiba.errors import ArgumentInvalid
from estiba.spec.words import quote

PORT = re.compile(r"(?P<first>\d+)(-(?P<last>\d+))?(/(?P<protocol>[A-Za-z]+))?")


def workdir(argument: Argument) -> Workdir:
    """Read WORKDIR."""
    _, argument = argument.without_options()
    return Workdir(argument.place, argument.one("a folder"))


def user(argument: Argument) -> User:
    """Read USER."""
    _, argument = argument.without_options()
    return User(argument.place, argument.one("a user: NAME, UID, NAME:GROUP or UID:GID"))


def stop_signal(argument: Argument) -> StopSignal:
    """Read STOPSIGNAL."""
    _, argument = argument.without_options()
    signal = argument.one("a signal: SIGTERM, TERM or 15")
    if not set("$'\"\\`") & set(signal.text) and not is_signal(signal.text):
        hint = "a name as SIGTERM or TERM, or a number from 1 to 64"
        raise Fault(signal.place, f"{quote(signal.text)} is not a signal", hint)
    return StopSignal(argument.place, signal)


def is_signal(word: str) -> bool:
    """Say whether a word is a signal that can stop a container."""
    from estiba.lifecycle.signal_number import signal_number

    try:
        return signal_number(word) > 0
    except ArgumentInvalid:
        return False


def maintainer(argument: Argument) -> Maintainer:
    """Read MAINTAINER, which has been replaced by a label."""
    _, argument = argument.without_options()
    argument.need("a name")
    return Maintainer(argument.place, rest(argument.line).text)


def expose(argument: Argument) -> Expose:
    """Read EXPOSE."""
    _, argument = argument.without_options()
    argument.need("a port: 80, 53/udp or 7000-7002")
    ports = at_blanks(argument.line)
    for word in ports:
        argument.checked(word)
        if not set("$'\"\\`") & set(word.text):
            _check_port(word)
    return Expose(argument.place, tuple(ports))


def volume(argument: Argument) -> Volume:
    """Read VOLUME."""
    _, argument = argument.without_options()
    argument.need("a folder")
    paths, is_json = argument.many()
    if not paths:
        raise Fault(argument.place, "VOLUME needs a folder, and the array is empty")
    for word in paths:
        argument.checked(word)
        if not word.text.strip():
            raise Fault(word.place, "VOLUME needs a folder, and this is empty")
    return Volume(argument.place, tuple(paths), is_json)


def _check_port(word: Word) -> None:
    match = PORT.fullmatch(word.text)
    if match is None:
        raise Fault(
            word.place, f"{quote(word.text)} is not a port", "write 80, 80/udp, or a range 7000-7002/tcp"
        )
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if not 1 <= first <= last <= 65535:
        raise Fault(word.place, f"{quote(word.text)} is not a port: 1 to 65535, the lower one first")
