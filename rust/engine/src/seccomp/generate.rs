// SPDX-License-Identifier: Apache-2.0
//! Writes the filter: which architecture, then a search tree over the numbers, then the arguments.
//!
//! Only instructions that the kernel can follow without running them (kernel/seccomp.c,
//! seccomp_is_const_allow): calls that are allowed whatever their arguments then cost no filter run at all.

use super::abi::{self, AUDIT_I386, AUDIT_X86_64, Abi, X32_BIT};
use super::program::{Assembler, Target, Test};
use super::ranges::Range;
use super::rules::{Decision, Rule};
use super::words::{Condition, KILL_THREAD, Operator};
use crate::error::Result;
use alloc::vec::Vec;

/// Offsets in struct seccomp_data (linux/seccomp.h), little endian.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;
/// Single numbers that are told apart one after another before the tree branches instead.
const MAX_ISLANDS: usize = 4;

/// The whole filter, as bytes.
pub fn program(abis: &[(&Abi, Vec<Range>)], default_action: u32) -> Result<Vec<u8>> {
    let mut generator = Generator { assembler: Assembler::default(), default_action, shared: Vec::new() };
    let ranges = |word| abis.iter().find(|(abi, _)| abi.word == word).map(|(_, ranges)| &ranges[..]);
    let mut start = Target::Return(KILL_THREAD);
    if let Some(ranges) = ranges(abi::I386.word) {
        let tree = generator.numbers(ranges.iter().collect());
        start = generator.assembler.branch(Test::Equal, AUDIT_I386, tree, start);
    }
    let outside = without_x32(default_action);
    let native = ranges(abi::X86_64.word).unwrap_or_default();
    let upper = ranges(abi::X32.word).unwrap_or(&outside);
    let tree = generator.numbers(native.iter().chain(upper).collect());
    start = generator.assembler.branch(Test::Equal, AUDIT_X86_64, tree, start);
    start = generator.assembler.load(ARCHITECTURE, start);
    generator.assembler.finish(start)
}

/// The upper numbers of x86_64 where the profile lacks x32: killed, but for -1, which a tracer writes to
/// skip a call.
fn without_x32(default_action: u32) -> [Range; 2] {
    [(X32_BIT, KILL_THREAD), (u32::MAX, default_action)]
        .map(|(start, action)| Range { start, decision: Decision::Action(action) })
}

struct Generator<'a> {
    assembler: Assembler,
    default_action: u32,
    /// Rules that are written already, and where.
    shared: Vec<(&'a [Rule], Target)>,
}

/// A range, with the single numbers inside it that are decided otherwise.
struct Group<'a> {
    range: &'a Range,
    islands: Vec<&'a Range>,
}

impl<'a> Generator<'a> {
    fn numbers(&mut self, ranges: Vec<&'a Range>) -> Target {
        match self.tree(&group(&ranges)) {
            constant @ Target::Return(_) => constant,
            tree @ Target::At(_) => self.assembler.load(NUMBER, tree),
        }
    }

    fn tree(&mut self, groups: &[Group<'a>]) -> Target {
        if let [group] = groups {
            return self.group(group);
        }
        let (lower, upper) = groups.split_at(groups.len() / 2);
        let first = upper[0].range.start;
        let upper = self.tree(upper);
        let lower = self.tree(lower);
        self.assembler.branch(Test::GreaterOrEqual, first, upper, lower)
    }

    fn group(&mut self, group: &Group<'a>) -> Target {
        let mut target = self.decision(&group.range.decision);
        for island in group.islands.iter().rev() {
            let yes = self.decision(&island.decision);
            target = self.assembler.branch(Test::Equal, island.start, yes, target);
        }
        target
    }

    fn decision(&mut self, decision: &'a Decision) -> Target {
        match decision {
            Decision::Action(action) => Target::Return(*action),
            Decision::Rules(rules) => self.rules(rules),
        }
    }

    fn rules(&mut self, rules: &'a [Rule]) -> Target {
        if let Some((_, target)) = self.shared.iter().find(|(known, _)| *known == rules) {
            return *target;
        }
        let mut next = Target::Return(self.default_action);
        for rule in rules.iter().rev() {
            let action = Target::Return(rule.action);
            let conditions = rule.conditions.iter().rev();
            next = conditions.fold(action, |yes, condition| self.condition(condition, yes, next));
        }
        self.shared.push((rules, next));
        next
    }

    fn condition(&mut self, condition: &Condition, yes: Target, no: Target) -> Target {
        match condition.operator {
            Operator::Equal | Operator::MaskedEqual => self.equal(condition, yes, no),
            Operator::NotEqual => self.equal(condition, no, yes),
            Operator::Greater => self.above(condition, Test::Greater, yes, no),
            Operator::LessOrEqual => self.above(condition, Test::Greater, no, yes),
            Operator::GreaterOrEqual => self.above(condition, Test::GreaterOrEqual, yes, no),
            Operator::Less => self.above(condition, Test::GreaterOrEqual, no, yes),
        }
    }

    fn equal(&mut self, condition: &Condition, yes: Target, no: Target) -> Target {
        let mut next = yes;
        for half in halves(condition).into_iter().filter(|half| half.mask != 0) {
            next = self.assembler.branch(Test::Equal, half.value, next, no);
            if half.mask != u32::MAX {
                next = self.assembler.and(half.mask, next);
            }
            next = self.assembler.load(half.offset, next);
        }
        next
    }

    /// Above in the high word decides; only where the high words are equal does the low word count.
    fn above(&mut self, condition: &Condition, test: Test, yes: Target, no: Target) -> Target {
        let [low, high] = halves(condition);
        let mut next = self.assembler.branch(test, low.value, yes, no);
        next = self.assembler.load(low.offset, next);
        if high.mask != 0 {
            next = self.assembler.branch(Test::Equal, high.value, next, no);
            next = self.assembler.branch(Test::Greater, high.value, yes, next);
            next = self.assembler.load(high.offset, next);
        }
        next
    }
}

/// Collect neighbours into groups: a range, and the single numbers that interrupt it.
fn group<'a>(ranges: &[&'a Range]) -> Vec<Group<'a>> {
    let mut groups = Vec::new();
    let mut rest = ranges;
    while let [range, after @ ..] = rest {
        let mut group = Group { range, islands: Vec::new() };
        rest = after;
        while let [island, again, after @ ..] = rest
            && group.islands.len() < MAX_ISLANDS
            && again.start - island.start == 1
            && again.decision == range.decision
        {
            group.islands.push(island);
            rest = after;
        }
        groups.push(group);
    }
    groups
}

/// Half of an argument, and what it is compared with. A mask of 0: this half does not count.
struct Half {
    offset: u32,
    mask: u32,
    value: u32,
}

/// The low and the high half. In the 32-bit ABIs the mask of the high one is 0.
fn halves(condition: &Condition) -> [Half; 2] {
    [0, 32].map(|shift| Half {
        offset: ARGUMENTS + 8 * condition.argument + shift / 8,
        mask: (condition.mask >> shift) as u32,
        value: (condition.value >> shift) as u32,
    })
}
