// SPDX-License-Identifier: Apache-2.0
//! Every program is run by a small interpreter and compared with the policy read straight from the OCI list, for every
//! list of rules over a small universe of devices and every question about it.

use super::*;
use crate::spec::resources::DeviceRule;
use alloc::vec::Vec;

/// A question of the kernel.
#[derive(Clone, Copy, Debug)]
struct Ask {
    kind: DeviceKind,
    major: u32,
    minor: u32,
    access: u8,
}

/// Runs the codes that this file's subject makes; anything else is a failure of the test.
fn run(code: &[Instruction], ask: Ask) -> bool {
    let kind = if ask.kind == DeviceKind::Block { BLOCK } else { CHAR };
    let context = [u32::from(ask.access) << 16 | kind, ask.major, ask.minor];
    let mut registers = [0u64; 6];
    let mut at = 0usize;
    for _ in 0..10_000 {
        let step = code[at];
        let (to, from) = (usize::from(step.to()), usize::from(step.from()));
        at += 1;
        let jump =
            |taken: bool| if taken { at.checked_add_signed(isize::from(step.offset)).unwrap() } else { at };
        match step.code {
            LOAD_WORD => {
                assert_eq!(from, usize::from(CONTEXT));
                registers[to] = u64::from(context[step.offset as usize / 4]);
            }
            SET => registers[to] = u64::from(step.immediate as u32),
            COPY => registers[to] = u64::from(registers[from] as u32),
            AND => registers[to] = u64::from(registers[to] as u32 & step.immediate as u32),
            SHIFT_RIGHT => registers[to] = u64::from(registers[to] as u32 >> step.immediate),
            JUMP_IF_NOT => at = jump(registers[to] as u32 != step.immediate as u32),
            JUMP_IF_ANY => at = jump(registers[to] & i64::from(step.immediate) as u64 != 0),
            JUMP => at = jump(true),
            EXIT => return registers[usize::from(ANSWER)] != 0,
            other => panic!("no such code: {other:#x}"),
        }
    }
    panic!("the program does not end");
}

/// What the list says, bit by bit: the last rule that speaks of the bit and fits; without one, no.
fn reference(list: &[DeviceRule], ask: Ask) -> bool {
    [1u8, 2, 4].into_iter().filter(|bit| ask.access & bit != 0).all(|bit| {
        let fits = |rule: &&DeviceRule| {
            let number =
                |wanted: Option<i64>, have: u32| wanted.is_none_or(|n| n == -1 || n == i64::from(have));
            (rule.kind == DeviceKind::All || rule.kind == ask.kind)
                && number(rule.major, ask.major)
                && number(rule.minor, ask.minor)
                && rule.access.0 & bit != 0
        };
        list.iter().rev().find(fits).is_some_and(|rule| rule.allow)
    })
}

/// Rules over majors and minors {200, 201, all}: devices that the always-allowed list does not name.
fn rules(kinds: &[DeviceKind], accesses: &[u8]) -> Vec<DeviceRule> {
    let numbers = [None, Some(200), Some(201)];
    let mut all = Vec::new();
    for &kind in kinds {
        for major in numbers {
            for minor in numbers {
                for &access in accesses {
                    for allow in [true, false] {
                        all.push(DeviceRule { allow, kind, major, minor, access: Access(access) });
                    }
                }
            }
        }
    }
    all
}

fn questions() -> Vec<Ask> {
    let mut all = Vec::new();
    for kind in [DeviceKind::Block, DeviceKind::Char] {
        for major in [200, 201, 202] {
            for minor in [200, 201, 202] {
                all.extend((0..8).map(|access| Ask { kind, major, minor, access }));
            }
        }
    }
    all
}

/// mknod of anything is always allowed, whatever the list says.
fn with_mknod(list: &[DeviceRule]) -> Vec<DeviceRule> {
    let mknod =
        DeviceRule { allow: true, kind: DeviceKind::All, major: None, minor: None, access: Access::MKNOD };
    list.iter().cloned().chain([mknod]).collect()
}

fn check(list: &[DeviceRule], questions: &[Ask]) {
    let policy = Policy::new(list).unwrap();
    let code = program(&policy);
    let expected = with_mknod(list);
    for &ask in questions {
        let answer = code.as_deref().is_none_or(|code| run(code, ask));
        assert_eq!(answer, reference(&expected, ask), "{list:?} {ask:?}");
    }
}

#[test]
fn one_rule_decides_as_the_list_says() {
    let questions = questions();
    for rule in rules(&[DeviceKind::All, DeviceKind::Block, DeviceKind::Char], &[1, 2, 3, 4, 5, 6, 7]) {
        check(&[rule], &questions);
    }
}

#[test]
fn every_two_rules_decide_as_the_list_says() {
    let rules = rules(&[DeviceKind::All, DeviceKind::Block, DeviceKind::Char], &[2, 6, 7]);
    let questions: Vec<Ask> = questions().into_iter().filter(|ask| ask.access % 2 == 0).collect();
    for first in &rules {
        for second in &rules {
            check(&[first.clone(), second.clone()], &questions);
        }
    }
}

#[test]
fn every_three_rules_of_one_kind_decide_as_the_list_says() {
    let rules = rules(&[DeviceKind::Char], &[2, 6]);
    let questions: Vec<Ask> = questions()
        .into_iter()
        .filter(|ask| ask.kind == DeviceKind::Char && matches!(ask.access, 2 | 6))
        .collect();
    for first in rules.iter().filter(|rule| rule.minor != Some(201)) {
        for second in &rules {
            for third in &rules {
                check(&[first.clone(), second.clone(), third.clone()], &questions);
            }
        }
    }
}

/// The v1 kernel's bookkeeping (security/device_cgroup.c): a default and exceptions to it, one for each device pattern.
struct V1 {
    default_allow: bool,
    exceptions: Vec<Rule>,
}

impl V1 {
    fn new(policy: &Policy) -> Option<V1> {
        policy.v1_writes().ok()?;
        let mut exceptions: Vec<Rule> = Vec::new();
        for rule in policy.rules.iter().filter(|rule| rule.allow != policy.default_allow) {
            let same =
                |old: &&mut Rule| (old.kind, old.major, old.minor) == (rule.kind, rule.major, rule.minor);
            match exceptions.iter_mut().find(same) {
                Some(old) => old.access.0 |= rule.access.0,
                None => exceptions.push(*rule),
            }
        }
        Some(V1 { default_allow: policy.default_allow, exceptions })
    }

    /// Denying by default, one exception must hold the whole request; allowing by default, any common bit denies.
    fn decides(&self, ask: Ask) -> bool {
        let mut hits = self.exceptions.iter().filter(|rule| {
            rule.kind == ask.kind
                && rule.major.is_none_or(|major| major == ask.major)
                && rule.minor.is_none_or(|minor| minor == ask.minor)
        });
        if self.default_allow {
            !hits.any(|rule| rule.access.0 & ask.access != 0)
        } else {
            hits.any(|rule| ask.access & !rule.access.0 == 0)
        }
    }
}

#[test]
fn v1_never_allows_what_the_list_denies() {
    let rules = rules(&[DeviceKind::All, DeviceKind::Char], &[2, 4, 7]);
    let questions = questions();
    for first in &rules {
        for second in &rules {
            let list = [first.clone(), second.clone()];
            let Some(v1) = V1::new(&Policy::new(&list).unwrap()) else { continue };
            let expected = with_mknod(&list);
            for &ask in questions.iter().filter(|ask| ask.access != 0) {
                assert!(!v1.decides(ask) || reference(&expected, ask), "{list:?} {ask:?}");
            }
        }
    }
}

#[test]
fn a_privileged_container_needs_no_program() {
    let all =
        DeviceRule { allow: true, kind: DeviceKind::All, major: None, minor: None, access: Access::ALL };
    assert!(program(&Policy::new(&[all]).unwrap()).is_none());
}

#[test]
fn the_program_of_the_usual_list_stays_small() {
    let code = program(&Policy::new(&[]).unwrap()).unwrap();
    assert_eq!(code.len(), 76, "a longer program loads slower: look at what changed");
}
