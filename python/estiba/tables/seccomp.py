# SPDX-License-Identifier: Apache-2.0
"""Seccomp: OCI names to the kernel's numbers (linux/seccomp.h, linux/audit.h, linux/elf-em.h)."""

ACTIONS: dict[str, int] = {
    "SCMP_ACT_KILL": 0x0000_0000,
    "SCMP_ACT_KILL_THREAD": 0x0000_0000,
    "SCMP_ACT_KILL_PROCESS": 0x8000_0000,
    "SCMP_ACT_TRAP": 0x0003_0000,
    "SCMP_ACT_ERRNO": 0x0005_0000,
    "SCMP_ACT_NOTIFY": 0x7FC0_0000,
    "SCMP_ACT_TRACE": 0x7FF0_0000,
    "SCMP_ACT_LOG": 0x7FFC_0000,
    "SCMP_ACT_ALLOW": 0x7FFF_0000,
}
"""SECCOMP_RET_*; ERRNO and TRACE take 16 bits of data besides."""

OPERATORS: dict[str, int] = {
    "SCMP_CMP_NE": 1,
    "SCMP_CMP_LT": 2,
    "SCMP_CMP_LE": 3,
    "SCMP_CMP_EQ": 4,
    "SCMP_CMP_GE": 5,
    "SCMP_CMP_GT": 6,
    "SCMP_CMP_MASKED_EQ": 7,
}
"""Comparisons of an argument; the numbers are ours to match on, the kernel knows none."""

FLAGS: dict[str, int] = {
    "SECCOMP_FILTER_FLAG_TSYNC": 0x01,
    "SECCOMP_FILTER_FLAG_LOG": 0x02,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 0x04,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 0x20,
}

ARCHITECTURES: dict[str, int] = {
    "SCMP_ARCH_X86": 0x4000_0003,
    "SCMP_ARCH_X86_64": 0xC000_003E,
    "SCMP_ARCH_X32": 0xC000_003E,
    "SCMP_ARCH_ARM": 0x4000_0028,
    "SCMP_ARCH_AARCH64": 0xC000_00B7,
    "SCMP_ARCH_MIPS": 0x0000_0008,
    "SCMP_ARCH_MIPS64": 0x8000_0008,
    "SCMP_ARCH_MIPS64N32": 0xA000_0008,
    "SCMP_ARCH_MIPSEL": 0x4000_0008,
    "SCMP_ARCH_MIPSEL64": 0xC000_0008,
    "SCMP_ARCH_MIPSEL64N32": 0xE000_0008,
    "SCMP_ARCH_PPC": 0x0000_0014,
    "SCMP_ARCH_PPC64": 0x8000_0015,
    "SCMP_ARCH_PPC64LE": 0xC000_0015,
    "SCMP_ARCH_S390": 0x0000_0016,
    "SCMP_ARCH_S390X": 0x8000_0016,
    "SCMP_ARCH_PARISC": 0x0000_000F,
    "SCMP_ARCH_PARISC64": 0x8000_000F,
    "SCMP_ARCH_RISCV64": 0xC000_00F3,
    "SCMP_ARCH_LOONGARCH64": 0xC000_0102,
    "SCMP_ARCH_M68K": 0x0000_0004,
    "SCMP_ARCH_SH": 0x4000_002A,
    "SCMP_ARCH_SHEB": 0x0000_002A,
}
"""AUDIT_ARCH_*. X32 shares x86_64's number and is told apart by bit 30 of the system call number."""
