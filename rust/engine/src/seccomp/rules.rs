// SPDX-License-Identifier: Apache-2.0
//! Turns the profile's entries into one decision for each system call number of an ABI.

use super::abi::Abi;
use super::words::{Condition, Operator, Parsed};
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What a filter does about a number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Decision {
    /// Return this at once.
    Action(u32),
    /// The first rule whose conditions hold, else the default action.
    Rules(Vec<Rule>),
}

/// An action under conditions that must all hold. Never empty inside a `Decision`.
#[derive(Clone, Debug)]
pub struct Rule {
    pub conditions: Vec<Condition>,
    pub action: u32,
    /// The entry it came from, for messages.
    entry: usize,
}

/// Where it came from does not tell two rules apart: equal decisions share their code.
impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.conditions == other.conditions && self.action == other.action
    }
}
impl Eq for Rule {}

/// An ABI's decisions by ascending number; any other number gets the default action.
#[derive(Debug)]
pub struct Rules {
    pub decisions: Vec<(u32, Decision)>,
    /// The largest number that any entry names, ignored ones included.
    pub largest_named: Option<u32>,
}

/// The decisions that the entries make for this ABI.
pub fn of_abi(abi: &Abi, entries: &[Parsed<'_>], default_action: u32) -> Result<Rules> {
    let mut largest_named = None;
    let mut numbered = Vec::new();
    for entry in entries {
        for word in entry.names {
            let number = abi.number(word);
            largest_named = largest_named.max(number);
            if entry.action != default_action {
                add(&mut numbered, abi, entry, word, number);
            }
        }
    }
    // Stable: rules for the same number stay in the profile's order.
    numbered.sort_by_key(|(number, _)| *number);
    let mut decisions = Vec::new();
    for group in numbered.chunk_by(|(one, _), (other, _)| one == other) {
        decisions.push((group[0].0, decide(abi, group)?));
    }
    Ok(Rules { decisions, largest_named })
}

fn add(rules: &mut Vec<(u32, Rule)>, abi: &Abi, entry: &Parsed<'_>, name: &str, number: Option<u32>) {
    for alternative in &entry.alternatives {
        let rule = |conditions| Rule { conditions, action: entry.action, entry: entry.index };
        let conditions: Vec<_> = alternative.iter().filter_map(|condition| fit(abi, *condition)).collect();
        if let Some((multiplexer, function)) = abi.multiplexed(name) {
            rules.push((multiplexer, rule(select(function, &conditions))));
        }
        if let Some(number) = number {
            rules.push((number, rule(conditions)));
        }
    }
}

/// The condition in the ABI's width; none if it always holds.
fn fit(abi: &Abi, condition: Condition) -> Option<Condition> {
    let width = if abi.is_wide { u64::MAX } else { u64::from(u32::MAX) };
    let mask = condition.mask & width;
    let is_comparison = condition.operator != Operator::MaskedEqual || mask != 0;
    is_comparison.then_some(Condition { mask, value: condition.value & mask, ..condition })
}

/// The conditions for the form under a multiplexer. Its first argument selects the function; the others
/// point to the function's arguments, which no filter can read: libseccomp compares them all the same.
fn select(function: u64, conditions: &[Condition]) -> Vec<Condition> {
    let selector =
        Condition { argument: 0, operator: Operator::Equal, mask: u64::from(u32::MAX), value: function };
    let others = conditions.iter().filter(|condition| condition.argument != 0);
    core::iter::once(&selector).chain(others).copied().collect()
}

fn decide(abi: &Abi, group: &[(u32, Rule)]) -> Result<Decision> {
    if let Some((_, rule)) = group.iter().find(|(_, rule)| rule.conditions.is_empty()) {
        return Ok(Decision::Action(rule.action));
    }
    let mut rules: Vec<Rule> = Vec::new();
    for (_, rule) in group {
        match rules.iter().find(|known| known.conditions == rule.conditions) {
            None => rules.push(rule.clone()),
            Some(known) if known.action == rule.action || !abi.is_wide => {}
            Some(known) => return Err(contradiction(known.entry, rule.entry)),
        }
    }
    rules.sort_by(|one, other| precedence(&one.conditions, &other.conditions));
    Ok(Decision::Rules(rules))
}

fn contradiction(first: usize, second: usize) -> Error {
    let message = format!("entry {first} gives the same call and arguments another action");
    Error::new(ErrorKind::ConfigInvalid, message)
        .at(format!("/linux/seccomp/syscalls/{second}"))
        .hint("remove the call from one of the two entries")
}

/// Which of two rules is asked first; matters only where both hold and their actions differ.
///
/// libseccomp's order: the later argument first, (masked) equality before less-than before greater-than,
/// then the larger value (of less-than: the smaller); the shorter rule before one that goes on from it.
fn precedence(one: &[Condition], other: &[Condition]) -> Ordering {
    let differing = one.iter().zip(other).map(|(one, other)| condition_precedence(one, other));
    let first = differing.into_iter().find(|ordering| ordering.is_ne());
    first.unwrap_or_else(|| one.len().cmp(&other.len()))
}

fn condition_precedence(one: &Condition, other: &Condition) -> Ordering {
    let later_argument = other.argument.cmp(&one.argument);
    let values = match kind(one.operator) {
        Kind::Less => one.value.cmp(&other.value),
        Kind::Equal | Kind::Greater => other.value.cmp(&one.value),
    };
    later_argument.then(kind(one.operator).cmp(&kind(other.operator))).then(values)
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Kind {
    Equal,
    Less,
    Greater,
}

fn kind(operator: Operator) -> Kind {
    match operator {
        Operator::Equal | Operator::NotEqual | Operator::MaskedEqual => Kind::Equal,
        Operator::Less | Operator::LessOrEqual => Kind::Less,
        Operator::Greater | Operator::GreaterOrEqual => Kind::Greater,
    }
}
