# SPDX-License-Identifier: Apache-2.0
"""The program: is it in the root file system, may it be executed, is its interpreter or ELF loader there, is it for
this machine?"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

from estiba.check.inside import Inside
from estiba.problems import Problem
from estiba.spec.node import Node

SCRIPTS = 4
"""How many interpreters may be scripts themselves; the kernel's limit is BINPRM_MAX_RECURSION."""

PT_INTERP = 3
MACHINES = {
    3: "i386",
    8: "mips",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "aarch64",
    243: "riscv64",
}
"""e_machine of elf.h."""
OURS = ("x86_64", "i386")


class Fault(Exception):
    """What is wrong with a program, and a hint."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message, self.hint = message, hint


def check(config: Node, inside: Inside) -> Iterator[Problem]:
    """Judge the program that the container starts with."""
    process = config.at("process")
    yield from _working_directory(process.at("cwd"), inside)
    first = next(iter(process.at("args").items()), None)
    if first is None or not first.text():
        return
    try:
        path = look_up(first.text(), process, inside)
        if inside.forbids_execution(path):
            hint = "take noexec out of the mount's options, or put the program elsewhere"
            raise Fault(f'the program "{path}" lies on a mount with noexec', hint)
        found = inside.find(path)
        if found is not None:
            judge(found, inside)
    except Fault as fault:
        yield first.problem(fault.message, fault.hint)


def _working_directory(cwd: Node, inside: Inside) -> Iterator[Problem]:
    # One that is absent is made.
    try:
        found = inside.find(cwd.text()) if cwd.text().startswith("/") else None
    except OSError:
        return
    if found is not None and not os.path.isdir(found):
        yield cwd.problem(f'the working directory "{cwd.text()}" is no folder')


def look_up(name: str, process: Node, inside: Inside) -> str:
    """Find a program as execvp(3) does; return its path inside. Raises Fault."""
    if "/" in name:
        where = name if name.startswith("/") else f"{process.at('cwd').text()}/{name}"
        try:
            inside.find(where)
            return where
        except FileNotFoundError:
            hint = "the path is looked up inside the container's root file system"
            raise Fault(f'the program "{name}" is absent', hint) from None
    path = next((entry[5:] for entry in process.at("env").texts() if entry.startswith("PATH=")), "")
    for folder in filter(None, path.split(":")):
        try:
            found = inside.find(f"{folder}/{name}")
        except (FileNotFoundError, NotADirectoryError):
            continue
        if found is None or not os.path.isdir(found):
            return f"{folder}/{name}"
    if not path:
        raise Fault(f'the program "{name}" has no slash, and process.env no PATH', "name it with its folder")
    raise Fault(
        f'the program "{name}" is in no folder of PATH: {path}', "install it in the image, or name its folder"
    )


def judge(found: Path, inside: Inside) -> None:
    """Judge a file that is to be executed, and what it needs. Raises Fault."""
    for _ in range(SCRIPTS):
        if os.path.isdir(found):
            raise Fault(f'"{found}" is a folder, expected a program')
        if not found.stat().st_mode & 0o111:
            raise Fault(f'"{found}" may not be executed by anybody', f'run `chmod +x "{found}"`')
        try:
            head = _head(found)
        except OSError:
            return
        if head.startswith(b"\x7fELF"):
            _judge_elf(head, found, inside)
            return
        if not head.startswith(b"#!"):
            raise Fault(
                f'"{found}" is neither an ELF program nor a script with "#!"', "is it a script without it?"
            )
        interpreter = _interpreter(head, inside)
        if interpreter is None:
            return
        found = interpreter


def _head(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # it may be a FIFO
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


def _interpreter(head: bytes, inside: Inside) -> Path | None:
    line = head[2:].split(b"\n", 1)[0]
    name = (line.split() or [b""])[0].decode(errors="replace")
    if line.endswith(b"\r") and name == line.strip().decode(errors="replace"):
        hint = "convert the script's line ends from CRLF to LF"
        raise Fault(f'the script\'s interpreter "{name}" is followed by a carriage return', hint)
    if not name:
        raise Fault('the script names no interpreter after "#!"', "write one, as #!/bin/sh")
    try:
        return inside.find(name)
    except FileNotFoundError:
        hint = "install the interpreter in the image, or correct the script's first line"
        raise Fault(f'the script\'s interpreter "{name}" is absent', hint) from None


def _judge_elf(head: bytes, found: Path, inside: Inside) -> None:
    order = ">" if head[5:6] == b"\2" else "<"
    if len(head) < 64:
        raise Fault(f'"{found}" is an ELF program that was cut off', "copy it again")
    number = struct.unpack_from(f"{order}H", head, 18)[0]
    machine = MACHINES.get(number, f"processor {number}")
    if machine not in OURS:
        hint = "use an image for this machine's architecture"
        raise Fault(f'"{found}" is made for {machine}, this machine is x86_64', hint)
    loader = _loader(head)
    if loader is None:
        return
    try:
        inside.find(loader)
    except FileNotFoundError:
        hint = "a glibc program needs a glibc image, a musl program a musl image"
        raise Fault(f'the program\'s ELF loader "{loader}" is absent', hint) from None


def _loader(head: bytes) -> str | None:
    """Read PT_INTERP of elf(5); None for a static program."""
    is_64 = head[4:5] == b"\2"
    table = struct.unpack_from("<Q" if is_64 else "<I", head, 32 if is_64 else 28)[0]
    size, count = struct.unpack_from("<HH", head, 54 if is_64 else 42)
    for at in range(table, table + size * count, size or 1):
        if at + 56 > len(head) or struct.unpack_from("<I", head, at)[0] != PT_INTERP:
            continue
        start = struct.unpack_from("<Q" if is_64 else "<I", head, at + (8 if is_64 else 4))[0]
        length = struct.unpack_from("<Q" if is_64 else "<I", head, at + (32 if is_64 else 16))[0]
        return head[start : start + length].rstrip(b"\0").decode(errors="replace") or None
    return None
