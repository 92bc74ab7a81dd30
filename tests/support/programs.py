# SPDX-License-Identifier: Apache-2.0
"""Small program files for tests: some that cannot be executed, and some that do next to nothing."""

from __future__ import annotations

import struct
from pathlib import Path

AARCH64, X86_64 = 183, 62

EXITS = bytes.fromhex("31ff b83c000000 0f05")
"""exit(0) in x86-64."""
WAITS = bytes.fromhex("b822000000 0f05 ebf7")
"""pause(2) again and again."""


def elf(machine: int, interpreter: bytes = b"", code: bytes = bytes(16)) -> bytes:
    """A small ELF file for a machine, with an interpreter if one is given, else with code."""
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    headers = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    kind, body = (3, interpreter + b"\0") if interpreter else (1, code)
    size = len(body)
    program = struct.pack("<IIQQQQQQ", kind, 5, 120, 0x400078, 0x400078, size, size, 1)
    return ident + headers + program + body


def put(path: Path, content: bytes, mode: int = 0o755) -> None:
    """Write a program file."""
    path.write_bytes(content)
    path.chmod(mode)
