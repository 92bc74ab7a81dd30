// SPDX-License-Identifier: Apache-2.0
//! Assembles classic BPF from its end to its start, so that each jump's target is known when it is written.
//!
//! Branches reach 255 instructions. A target further away gets a stand-in close by: a copy of a return, or an
//! unconditional jump, whose reach is 32 bits. Stand-ins are shared as long as they can be reached.

use crate::error::{Error, ErrorKind, Result};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

/// linux/bpf_common.h, the classic codes that seccomp_check_filter() admits and this compiler needs.
const LOAD_ABSOLUTE: u16 = 0x20;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const RETURN: u16 = 0x06;
/// linux/bpf_common.h, BPF_MAXINSNS.
pub const MAX_INSTRUCTIONS: usize = 4096;
const BRANCH_REACH: usize = 255;

/// What a branch asks of the accumulator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u16)]
pub enum Test {
    Equal = 0x15,
    Greater = 0x25,
    GreaterOrEqual = 0x35,
}

/// struct sock_filter.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Instruction {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// Where execution goes on.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Target {
    /// The filter ends with this value.
    Return(u32),
    /// An instruction, counted from the program's end.
    At(usize),
}

/// A program in the making, last instruction first.
#[derive(Debug, Default)]
pub struct Assembler {
    reversed: Vec<Instruction>,
    /// The latest place that does what the target does.
    stand_ins: BTreeMap<Target, usize>,
}

impl Assembler {
    /// Load a word of struct seccomp_data, then go on at `next`.
    pub fn load(&mut self, offset: u32, next: Target) -> Target {
        self.straight(LOAD_ABSOLUTE, offset, next)
    }

    /// Mask the accumulator, then go on at `next`.
    pub fn and(&mut self, mask: u32, next: Target) -> Target {
        self.straight(AND, mask, next)
    }

    /// Go on at `yes` if the accumulator passes, else at `no`.
    pub fn branch(&mut self, test: Test, k: u32, yes: Target, no: Target) -> Target {
        if yes == no {
            return yes;
        }
        // One less, since the stand-in for `no` may come in between.
        let yes = self.within(BRANCH_REACH - 1, yes);
        let no = self.within(BRANCH_REACH, no);
        let [jt, jf] = [yes, no].map(|at| (self.reversed.len() - at - 1) as u8);
        self.push(Instruction { code: test as u16, jt, jf, k })
    }

    /// The program that starts at `start`, as struct sock_filter[] in little endian.
    pub fn finish(mut self, start: Target) -> Result<Vec<u8>> {
        self.fall_into(start);
        if self.reversed.len() > MAX_INSTRUCTIONS {
            let count = self.reversed.len();
            let message = format!("{count} filter instructions; the kernel takes {MAX_INSTRUCTIONS}");
            return Err(Error::new(ErrorKind::ConfigUnsupported, message)
                .at("/linux/seccomp")
                .hint("use fewer entries with `args`"));
        }
        let bytes = self.reversed.iter().rev().flat_map(|instruction| instruction.to_bytes());
        Ok(bytes.collect())
    }

    fn straight(&mut self, code: u16, k: u32, next: Target) -> Target {
        self.fall_into(next);
        self.push(Instruction { code, jt: 0, jf: 0, k })
    }

    /// Make sure that what is written next falls through to `target`.
    fn fall_into(&mut self, target: Target) {
        if target != Target::At(self.reversed.len().wrapping_sub(1)) {
            self.stand_in(target);
        }
    }

    /// A place that does what `target` does, at most `reach` instructions after the one written next.
    fn within(&mut self, reach: usize, target: Target) -> usize {
        let here = self.reversed.len();
        let is_near = |at: &usize| here - at - 1 <= reach;
        if let Target::At(at) = target
            && is_near(&at)
        {
            return at;
        }
        match self.stand_ins.get(&target).copied().filter(is_near) {
            Some(at) => at,
            None => self.stand_in(target),
        }
    }

    fn stand_in(&mut self, target: Target) -> usize {
        let here = self.reversed.len();
        let (code, k) = match target {
            Target::Return(value) => (RETURN, value),
            Target::At(at) => (JUMP, (here - at - 1) as u32),
        };
        self.push(Instruction { code, jt: 0, jf: 0, k });
        self.stand_ins.insert(target, here);
        here
    }

    fn push(&mut self, instruction: Instruction) -> Target {
        self.reversed.push(instruction);
        Target::At(self.reversed.len() - 1)
    }
}

impl Instruction {
    fn to_bytes(self) -> [u8; 8] {
        let ([c0, c1], [k0, k1, k2, k3]) = (self.code.to_le_bytes(), self.k.to_le_bytes());
        [c0, c1, self.jt, self.jf, k0, k1, k2, k3]
    }
}
