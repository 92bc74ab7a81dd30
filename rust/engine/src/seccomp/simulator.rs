// SPDX-License-Identifier: Apache-2.0
//! Runs a filter as the kernel would, for tests. tests/properties/seccomp_simulator.py is the wider one.

use alloc::vec::Vec;

pub const X86_64: u32 = super::abi::AUDIT_X86_64;
pub const I386: u32 = super::abi::AUDIT_I386;

/// The filter's answer to one system call.
pub fn run(program: &[u8], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let halves = arguments.iter().flat_map(|argument| [*argument as u32, (*argument >> 32) as u32]);
    let data: Vec<u32> = [number, architecture, 0, 0].into_iter().chain(halves).collect();
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let (instruction, _) = program[8 * at..].split_first_chunk::<8>().expect("a jump inside the program");
        let [c0, c1, jt, jf, k0, k1, k2, k3] = *instruction;
        let k = u32::from_le_bytes([k0, k1, k2, k3]);
        let branch = |holds: bool| usize::from(if holds { jt } else { jf });
        at += 1 + match u16::from_le_bytes([c0, c1]) {
            0x20 => {
                accumulator = data[k as usize / 4];
                0
            }
            0x54 => {
                accumulator &= k;
                0
            }
            0x05 => k as usize,
            0x15 => branch(accumulator == k),
            0x25 => branch(accumulator > k),
            0x35 => branch(accumulator >= k),
            0x06 => return k,
            other => panic!("instruction {other:#x} at {at}"),
        };
    }
}
