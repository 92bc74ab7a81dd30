// SPDX-License-Identifier: Apache-2.0
//! Seccomp names. Written by `python -m estiba.codegen`; do not edit.

/// SECCOMP_RET_*.
pub const ACTIONS: &[(&str, u32)] = &[
    ("SCMP_ACT_ALLOW", 0x7fff0000),
    ("SCMP_ACT_ERRNO", 0x50000),
    ("SCMP_ACT_KILL", 0x0),
    ("SCMP_ACT_KILL_PROCESS", 0x80000000),
    ("SCMP_ACT_KILL_THREAD", 0x0),
    ("SCMP_ACT_LOG", 0x7ffc0000),
    ("SCMP_ACT_NOTIFY", 0x7fc00000),
    ("SCMP_ACT_TRACE", 0x7ff00000),
    ("SCMP_ACT_TRAP", 0x30000),
];

/// Comparisons of an argument.
pub const OPERATORS: &[(&str, u32)] = &[
    ("SCMP_CMP_EQ", 4),
    ("SCMP_CMP_GE", 5),
    ("SCMP_CMP_GT", 6),
    ("SCMP_CMP_LE", 3),
    ("SCMP_CMP_LT", 2),
    ("SCMP_CMP_MASKED_EQ", 7),
    ("SCMP_CMP_NE", 1),
];

/// SECCOMP_FILTER_FLAG_*.
pub const FLAGS: &[(&str, u32)] = &[
    ("SECCOMP_FILTER_FLAG_LOG", 0x2),
    ("SECCOMP_FILTER_FLAG_SPEC_ALLOW", 0x4),
    ("SECCOMP_FILTER_FLAG_TSYNC", 0x1),
    ("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 0x20),
];

/// AUDIT_ARCH_*.
pub const ARCHITECTURES: &[(&str, u32)] = &[
    ("SCMP_ARCH_AARCH64", 0xc00000b7),
    ("SCMP_ARCH_ARM", 0x40000028),
    ("SCMP_ARCH_LOONGARCH64", 0xc0000102),
    ("SCMP_ARCH_M68K", 0x4),
    ("SCMP_ARCH_MIPS", 0x8),
    ("SCMP_ARCH_MIPS64", 0x80000008),
    ("SCMP_ARCH_MIPS64N32", 0xa0000008),
    ("SCMP_ARCH_MIPSEL", 0x40000008),
    ("SCMP_ARCH_MIPSEL64", 0xc0000008),
    ("SCMP_ARCH_MIPSEL64N32", 0xe0000008),
    ("SCMP_ARCH_PARISC", 0xf),
    ("SCMP_ARCH_PARISC64", 0x8000000f),
    ("SCMP_ARCH_PPC", 0x14),
    ("SCMP_ARCH_PPC64", 0x80000015),
    ("SCMP_ARCH_PPC64LE", 0xc0000015),
    ("SCMP_ARCH_RISCV64", 0xc00000f3),
    ("SCMP_ARCH_S390", 0x16),
    ("SCMP_ARCH_S390X", 0x80000016),
    ("SCMP_ARCH_SH", 0x4000002a),
    ("SCMP_ARCH_SHEB", 0x2a),
    ("SCMP_ARCH_X32", 0xc000003e),
    ("SCMP_ARCH_X86", 0x40000003),
    ("SCMP_ARCH_X86_64", 0xc000003e),
];
