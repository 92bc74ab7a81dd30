// SPDX-License-Identifier: Apache-2.0
//! The system call ABIs of an x86_64 kernel: who they are to a filter, and which numbers their calls have.

use crate::generated::lookup;
use crate::generated::syscalls::{SYSCALLS_X32, SYSCALLS_X86, SYSCALLS_X86_64};
use crate::spec::Text;

/// linux/audit.h: what `seccomp_data.arch` holds.
pub const AUDIT_X86_64: u32 = 0xc000_003e;
pub const AUDIT_I386: u32 = 0x4000_0003;
/// x32 calls arrive as x86_64 with this bit in the number (asm/unistd.h, __X32_SYSCALL_BIT).
pub const X32_BIT: u32 = 0x4000_0000;

/// One system call ABI.
#[derive(Debug)]
pub struct Abi {
    /// What `architectures` calls it.
    pub word: &'static str,
    /// The smallest number of a call.
    pub first: u32,
    /// Arguments have 64 bits; else the low words alone are compared.
    pub is_wide: bool,
    names: &'static [(&'static str, u32)],
    multiplexed: &'static [(&'static str, (u32, u64))],
}

const NATIVE: &str = "SCMP_ARCH_X86_64";
pub static X86_64: Abi =
    Abi { word: NATIVE, first: 0, is_wide: true, names: SYSCALLS_X86_64, multiplexed: &[] };
pub static X32: Abi =
    Abi { word: "SCMP_ARCH_X32", first: X32_BIT, is_wide: false, names: SYSCALLS_X32, multiplexed: &[] };
pub static I386: Abi =
    Abi { word: "SCMP_ARCH_X86", first: 0, is_wide: false, names: SYSCALLS_X86, multiplexed: MULTIPLEXED };

const SOCKETCALL: u32 = 102;
const IPC: u32 = 117;

/// Calls that i386 also offers under socketcall(2) (linux/net.h) and ipc(2) (linux/ipc.h): name, number of the
/// multiplexer, and its first argument. By name.
const MULTIPLEXED: &[(&str, (u32, u64))] = &[
    ("accept", (SOCKETCALL, 5)),
    ("accept4", (SOCKETCALL, 18)),
    ("bind", (SOCKETCALL, 2)),
    ("connect", (SOCKETCALL, 3)),
    ("getpeername", (SOCKETCALL, 7)),
    ("getsockname", (SOCKETCALL, 6)),
    ("getsockopt", (SOCKETCALL, 15)),
    ("listen", (SOCKETCALL, 4)),
    ("msgctl", (IPC, 14)),
    ("msgget", (IPC, 13)),
    ("msgrcv", (IPC, 12)),
    ("msgsnd", (IPC, 11)),
    ("recv", (SOCKETCALL, 10)),
    ("recvfrom", (SOCKETCALL, 12)),
    ("recvmmsg", (SOCKETCALL, 19)),
    ("recvmsg", (SOCKETCALL, 17)),
    ("semctl", (IPC, 3)),
    ("semget", (IPC, 2)),
    ("semop", (IPC, 1)),
    ("semtimedop", (IPC, 4)),
    ("send", (SOCKETCALL, 9)),
    ("sendmmsg", (SOCKETCALL, 20)),
    ("sendmsg", (SOCKETCALL, 16)),
    ("sendto", (SOCKETCALL, 11)),
    ("setsockopt", (SOCKETCALL, 14)),
    ("shmat", (IPC, 21)),
    ("shmctl", (IPC, 24)),
    ("shmdt", (IPC, 22)),
    ("shmget", (IPC, 23)),
    ("shutdown", (SOCKETCALL, 13)),
    ("socket", (SOCKETCALL, 1)),
    ("socketpair", (SOCKETCALL, 8)),
];

/// The ABIs to compile for: the native one always, as libseccomp has it.
pub fn chosen<'a>(words: &'a [Text<'a>]) -> impl Iterator<Item = &'static Abi> + 'a {
    let is_named = |abi: &Abi| words.iter().any(|word| **word == *abi.word);
    [&X86_64, &X32, &I386].into_iter().filter(move |abi| abi.word == NATIVE || is_named(abi))
}

impl Abi {
    /// The call's own number.
    pub fn number(&self, name: &str) -> Option<u32> {
        lookup(self.names, name)
    }

    /// The call as a function of a multiplexer: its number and what its first argument is.
    pub fn multiplexed(&self, name: &str) -> Option<(u32, u64)> {
        lookup(self.multiplexed, name)
    }
}
