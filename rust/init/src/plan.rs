// SPDX-License-Identifier: Apache-2.0
//! The plan as a file, and the words between init and its parent.
//!
//!     plan    magic u32 | count of steps u32 | length of scratch u32 | count times: length u32, record | padding | scratch
//!     report  step u32 | errno u16 | detail u16         (init to parent; SOCK_SEQPACKET)
//!     proof   bytes: the interpreter or loader that is missing, or the machine number, after the report of FindProgram
//!     answer  ignored signals u64                       (parent to init: the commit, or "go on" after a pause)
//!     staged  pid i32 and, beside it, the pidfd of init (stage one to parent); one byte (parent to init: go on)
//!
//!     parent                                    init
//!       clone3, plan and report socket ─────────► steps up to Commit (runtime hooks: Pause, and an answer)
//!       record with pid and start time
//!       commit ─────────────────────────────────► FindProgram is done; the socket's end means: exit
//!       ◄───────────────────────────────── READY  waits at the gate (a FIFO), or goes on at once (run, exec)
//!       start writes the gate ──────────────────► startContainer hooks, seccomp, execve
//!       (◄─────────────────────────── LISTENING   only with a listener: loads the filter, then waits without a call
//!       takes the listener, writes the word ────► goes on)
//!       ◄──────────────────── end of the outcome  (close-on-exec; eight bytes if the exec failed)

use crate::step::Step;
use crate::wire::{Field, Reader};

pub const MAGIC: u32 = 0x4553_5401;
pub const HEADER: usize = 12;

/// The descriptors that init is started with.
pub const PLAN_FD: i32 = 3;
pub const REPORT_FD: i32 = 4;
/// With a gate: the FIFO that `start` writes, and the FIFO on which init answers it.
pub const GATE_FD: i32 = 5;
pub const OUTCOME_FD: i32 = 6;
/// Further descriptors (namespaces, trees, sockets) start here.
pub const FIRST_FREE_FD: i32 = 7;

/// "Step numbers" of reports that are no failures.
pub const READY: u32 = u32::MAX;
pub const PAUSED: u32 = u32::MAX - 1;
/// A filter with a listener is about to be loaded: errno is the number that the listener will have, detail that of
/// the file whose first word says that the parent has taken it.
pub const LISTENING: u32 = u32::MAX - 2;

/// What errno alone does not say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u16)]
pub enum Detail {
    None = 0,
    /// No candidate exists.
    ProgramMissing,
    ProgramNotExecutable,
    ProgramIsDirectory,
    /// The file named after "#!" is absent.
    InterpreterMissing,
    /// As above, and the line ends in a carriage return.
    InterpreterHasCarriageReturn,
    /// The ELF loader named in the program is absent.
    LoaderMissing,
    /// An ELF file for another processor.
    WrongArchitecture,
    /// The working directory lies outside the root (CVE-2024-21626).
    OutsideRoot,
    /// A hook's exit code, or time-out, is in errno.
    HookFailed,
    HookTimedOut,
    /// The bind source is missing, not its target.
    SourceMissing,
    /// Source and target: one is a folder, the other is not.
    KindDiffers,
}

impl Detail {
    pub fn from_code(code: u16) -> Detail {
        const ALL: [Detail; 13] = [
            Detail::None,
            Detail::ProgramMissing,
            Detail::ProgramNotExecutable,
            Detail::ProgramIsDirectory,
            Detail::InterpreterMissing,
            Detail::InterpreterHasCarriageReturn,
            Detail::LoaderMissing,
            Detail::WrongArchitecture,
            Detail::OutsideRoot,
            Detail::HookFailed,
            Detail::HookTimedOut,
            Detail::SourceMissing,
            Detail::KindDiffers,
        ];
        ALL.get(usize::from(code)).copied().unwrap_or(Detail::None)
    }
}

/// Eight bytes from init.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Report {
    pub step: u32,
    pub errno: u16,
    pub detail: u16,
}

pub const REPORT: usize = 8;
/// Longest proof.
pub const PROOF: usize = 256;

impl Report {
    pub fn to_bytes(self) -> [u8; REPORT] {
        let [a, b, c, d] = self.step.to_le_bytes();
        let [e, f] = self.errno.to_le_bytes();
        let [g, h] = self.detail.to_le_bytes();
        [a, b, c, d, e, f, g, h]
    }

    pub fn from_bytes(bytes: &[u8; REPORT]) -> Report {
        let [a, b, c, d, e, f, g, h] = *bytes;
        Report {
            step: u32::from_le_bytes([a, b, c, d]),
            errno: u16::from_le_bytes([e, f]),
            detail: u16::from_le_bytes([g, h]),
        }
    }
}

/// The steps of a plan in order. Ends early, with None as the item, where the bytes are damaged.
pub struct Steps<'a> {
    from: Reader<'a>,
    left: u32,
}

impl<'a> Steps<'a> {
    /// Splits a mapped plan into its steps and the scratch memory behind them.
    pub fn open(image: &'a mut [u8]) -> Option<(Steps<'a>, &'a mut [u8])> {
        let (count, scratch) = {
            let mut head = Reader::new(image);
            (u32::read(&mut head)? == MAGIC).then_some(())?;
            (u32::read(&mut head)?, u32::read(&mut head)? as usize)
        };
        let split = image.len().checked_sub(scratch).filter(|&at| at >= HEADER)?;
        let (records, scratch) = image.split_at_mut_checked(split)?;
        Some((Steps { from: Reader::new(records.get(HEADER..)?), left: count }, scratch))
    }
}

impl<'a> Iterator for Steps<'a> {
    type Item = Option<Step<'a>>;

    fn next(&mut self) -> Option<Option<Step<'a>>> {
        self.left = self.left.checked_sub(1)?;
        let record = <&[u8]>::read(&mut self.from);
        Some(record.and_then(Step::read))
    }
}
