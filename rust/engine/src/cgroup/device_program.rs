// SPDX-License-Identifier: Apache-2.0
//! A device policy as a program for the kernel (BPF_PROG_TYPE_CGROUP_DEVICE): v2's form of devices.allow. Pure.
//!
//! The kernel asks with a kind, an access mask and two numbers (struct bpf_cgroup_dev_ctx of linux/bpf.h). The program
//! keeps in r3 the bits of the mask that no rule has decided yet and goes through the rules from the last to the first:
//!
//!     allowing rule that fits: take its bits out of r3; none left: yes
//!     denying rule that fits:  any of its bits in r3: no
//!     at the end:              the default, but with nothing left to decide always yes

use crate::cgroup::devices::{Policy, Rule};
use crate::spec::resources::{Access, DeviceKind};
use alloc::vec::Vec;
use estiba_sys::bpf::Instruction;

// Codes of linux/bpf.h and bpf_common.h, put together.
const LOAD_WORD: u8 = 0x61; // LDX | MEM | W
const SET: u8 = 0xb4; // ALU | MOV | K
const COPY: u8 = 0xbc; // ALU | MOV | X
const AND: u8 = 0x54; // ALU | AND | K
const SHIFT_RIGHT: u8 = 0x74; // ALU | RSH | K
const JUMP_IF_NOT: u8 = 0x56; // JMP32 | JNE | K, Linux 5.1
const JUMP_IF_ANY: u8 = 0x45; // JMP | JSET | K
const JUMP: u8 = 0x05; // JMP | JA
const EXIT: u8 = 0x95; // JMP | EXIT

const ANSWER: u8 = 0;
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
const OPEN: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

const BLOCK: u32 = 1; // BPF_DEVCG_DEV_BLOCK
const CHAR: u32 = 2; // BPF_DEVCG_DEV_CHAR

/// The program for `policy`, or None where it would say yes to all.
pub fn program(policy: &Policy) -> Option<Vec<Instruction>> {
    if policy.allows_all() {
        return None;
    }
    let mut code = alloc::vec![
        Instruction::new(LOAD_WORD, KIND, CONTEXT, 0, 0),
        Instruction::new(COPY, OPEN, KIND, 0, 0),
        Instruction::new(AND, KIND, 0, 0, 0xffff),
        Instruction::new(SHIFT_RIGHT, OPEN, 0, 0, 16),
        Instruction::new(LOAD_WORD, MAJOR, CONTEXT, 4, 0),
        Instruction::new(LOAD_WORD, MINOR, CONTEXT, 8, 0),
    ];
    for rule in policy.rules.iter().rev() {
        append(rule, &mut code);
    }
    if policy.default_allow {
        answer(true, &mut code);
    } else {
        code.push(Instruction::new(JUMP_IF_NOT, OPEN, 0, 2, 0));
        answer(true, &mut code);
        answer(false, &mut code);
    }
    Some(code)
}

fn answer(yes: bool, code: &mut Vec<Instruction>) {
    code.push(Instruction::new(SET, ANSWER, 0, 0, i32::from(yes)));
    code.push(Instruction::new(EXIT, 0, 0, 0, 0));
}

/// One block: leave it unless kind and numbers fit, then decide. It jumps to its own end only, so no offset grows with
/// the number of rules.
fn append(rule: &Rule, code: &mut Vec<Instruction>) {
    let mut body = Vec::with_capacity(4);
    let bits = i32::from(rule.access.0);
    if rule.allow {
        body.push(Instruction::new(AND, OPEN, 0, 0, i32::from(Access::ALL.0 & !rule.access.0)));
        body.push(Instruction::new(JUMP_IF_NOT, OPEN, 0, 2, 0));
    } else {
        body.push(Instruction::new(JUMP_IF_ANY, OPEN, 0, 1, bits));
        body.push(Instruction::new(JUMP, 0, 0, 2, 0));
    }
    answer(rule.allow, &mut body);
    let kind = if rule.kind == DeviceKind::Block { BLOCK } else { CHAR };
    let conditions = [(KIND, Some(kind)), (MAJOR, rule.major), (MINOR, rule.minor)];
    let mut left = conditions.iter().filter(|(_, wanted)| wanted.is_some()).count();
    for (register, wanted) in conditions {
        if let Some(wanted) = wanted {
            left -= 1;
            code.push(Instruction::new(JUMP_IF_NOT, register, 0, (left + body.len()) as i16, wanted as i32));
        }
    }
    code.append(&mut body);
}

#[cfg(test)]
mod tests;
