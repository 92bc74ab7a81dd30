// SPDX-License-Identifier: Apache-2.0
//! A seccomp filter with a listener: from its load until the agent has the listener, any system call may be one that
//! waits for the agent. So the descriptor's number is told before, and the parent's answer is read from memory.

use crate::plan::{LISTENING, Report};
use crate::run::Outcome;
use core::hint::spin_loop;
use core::sync::atomic::{AtomicU32, Ordering};
use estiba_sys::fd::{self, BorrowedFd};
use estiba_sys::{memory, process};

/// Looks at the word, which take some ten seconds in all: the parent answers in less than one thousandth of that, or
/// has died.
const LOOKS: u32 = 1 << 28;

pub fn load_with_listener(program: &[u8], flags: u32, taken: i32, report_to: BorrowedFd<'_>) -> Outcome {
    let word = memory::map_word(BorrowedFd::numbered(taken))?;
    // The lowest free number, which the listener will get, as nobody else opens anything here.
    let number = fd::duplicate_from(report_to, 0)?.raw();
    let listening = Report { step: LISTENING, errno: number as u16, detail: taken as u16 };
    fd::write(report_to, &listening.to_bytes())?;
    let listener = process::load_seccomp_filter(program, flags)?;
    if listener != number as usize || !is_taken(word) {
        process::crash()
    }
    Ok(())
}

fn is_taken(word: &AtomicU32) -> bool {
    (0..LOOKS).any(|_| {
        spin_loop();
        word.load(Ordering::Acquire) != 0
    })
}
