# SPDX-License-Identifier: Apache-2.0
"""A classic BPF interpreter for seccomp filters: the instructions that the kernel admits, and no others.

Rejecting what seccomp_check_filter() (kernel/seccomp.c) would reject is part of its job.
"""

import struct
from typing import NamedTuple

I386 = 0x4000_0003
X86_64 = 0xC000_003E
X32_BIT = 0x4000_0000

LOAD_ABSOLUTE, RETURN, JUMP, AND = 0x20, 0x06, 0x05, 0x54
JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, JUMP_SET = 0x15, 0x25, 0x35, 0x45
CONDITIONAL = (JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, JUMP_SET)
DATA_SIZE = 64
MAX_INSTRUCTIONS = 4096


class Instruction(NamedTuple):
    """struct sock_filter."""

    code: int
    jt: int
    jf: int
    k: int


Program = tuple[Instruction, ...]


def decode(raw: bytes) -> Program:
    """Read a program and check it as the kernel would before it accepts it."""
    program = tuple(Instruction(*fields) for fields in struct.iter_unpack("<HBBI", raw))
    assert 0 < len(program) <= MAX_INSTRUCTIONS
    for at, (code, jt, jf, k) in enumerate(program):
        left = len(program) - at - 1
        if code == LOAD_ABSOLUTE:
            assert k % 4 == 0 and k < DATA_SIZE, f"load at {at}"
        elif code == JUMP:
            assert k < left, f"jump at {at} leaves the program"
        elif code in CONDITIONAL:
            assert max(jt, jf) < left, f"branch at {at} leaves the program"
        else:
            assert code in (RETURN, AND), f"unknown instruction {code:#x} at {at}"
    assert program[-1].code == RETURN
    return program


def words(architecture: int, number: int, arguments: tuple[int, ...]) -> tuple[int, ...]:
    """struct seccomp_data as 32-bit words; the instruction pointer is 0."""
    values = [number & 0xFFFF_FFFF, architecture, 0, 0]
    for argument in (*arguments, *(0,) * (6 - len(arguments))):
        values += [argument & 0xFFFF_FFFF, argument >> 32]
    return tuple(values)


def run(program: Program, data: tuple[int, ...]) -> tuple[int, int]:
    """The filter's return value, and how many instructions it took."""
    accumulator = at = steps = 0
    while True:
        code, jt, jf, k = program[at]
        at += 1
        steps += 1
        if code == LOAD_ABSOLUTE:
            accumulator = data[k >> 2]
        elif code == JUMP_EQUAL:
            at += jt if accumulator == k else jf
        elif code == JUMP_GREATER_EQUAL:
            at += jt if accumulator >= k else jf
        elif code == JUMP_GREATER:
            at += jt if accumulator > k else jf
        elif code == JUMP_SET:
            at += jt if accumulator & k else jf
        elif code == JUMP:
            at += k
        elif code == AND:
            accumulator &= k
        else:
            return k, steps
