// SPDX-License-Identifier: Apache-2.0
//! Covers all 2^32 system call numbers of an ABI with ranges of equal decision.

use super::abi::Abi;
use super::rules::{Decision, Rules};
use super::words::{ERRNO, is_permissive};
use alloc::vec::Vec;

const ENOSYS: u32 = 38;

/// From `start` to the next range's start.
#[derive(Debug, Eq, PartialEq)]
pub struct Range {
    pub start: u32,
    pub decision: Decision,
}

/// The ABI's ranges, by ascending start; neighbours differ.
pub fn cover(abi: &Abi, rules: Rules, default_action: u32) -> Vec<Range> {
    let mut ranges = Vec::new();
    let mut next = Some(abi.first);
    for (number, decision) in rules.decisions {
        if let Some(start) = next.filter(|start| *start < number) {
            push(&mut ranges, start, Decision::Action(default_action));
        }
        push(&mut ranges, number, decision);
        next = number.checked_add(1);
    }
    if let Some(start) = next {
        push(&mut ranges, start, Decision::Action(default_action));
    }
    if let Some(largest) = rules.largest_named.filter(|_| !is_permissive(default_action)) {
        answer_newer(&mut ranges, largest, default_action);
    }
    ranges
}

/// Answer numbers above `largest` with ENOSYS. They all stand in the last range, under the default action.
fn answer_newer(ranges: &mut Vec<Range>, largest: u32, default_action: u32) {
    if default_action == ERRNO | ENOSYS {
        return;
    }
    if let Some(start) = largest.checked_add(1) {
        if ranges.last().is_some_and(|last| last.start == start) {
            ranges.pop();
        }
        push(ranges, start, Decision::Action(ERRNO | ENOSYS));
    }
}

fn push(ranges: &mut Vec<Range>, start: u32, decision: Decision) {
    if ranges.last().is_none_or(|last: &Range| last.decision != decision) {
        ranges.push(Range { start, decision });
    }
}
