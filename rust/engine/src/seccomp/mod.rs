// SPDX-License-Identifier: Apache-2.0
//! Compiles the OCI `linux.seccomp` profile to a classic BPF program. Pure, but for what `kept` keeps: loading it is
//! init's step.
//!
//! ```text
//! Profile --words--> entries --rules--> rules by number --ranges--> ranges --generate--> instructions
//! ```
//!
//! What a profile means here is what libseccomp 2.5.4 makes of it when runc drives it:
//! - The native architecture is always there. A call of an architecture that the profile lacks is killed
//!   (thread), and so are x32 numbers without SCMP_ARCH_X32. Architectures that this host cannot run are ignored.
//! - Names unknown to an ABI are ignored there. Entries whose action is the default action are ignored.
//! - Conditions of an entry are joined by AND; if two of them name the same argument, by OR
//!   (runc and crun both do so, for the sake of old profiles).
//! - An entry without conditions overrides those with; of two without, the first holds. Among entries with
//!   conditions see `rules::precedence`. The same conditions with different actions are an error.
//! - 32-bit ABIs (i386, x32) compare the low words of arguments and values.
//! - On i386 an entry for a socket or System V IPC call also covers its form under socketcall and ipc.
//!
//! One thing is runc's alone: if the default action refuses, a number above the largest that the profile names
//! for the ABI is answered with ENOSYS, so that a C library newer than the profile can fall back.

mod abi;
mod generate;
pub mod kept;
mod program;
mod ranges;
mod rules;
mod words;

#[cfg(test)]
mod simulator;
#[cfg(test)]
mod tests;

pub use words::FLAG_NEW_LISTENER;

use crate::error::Result;
use crate::spec::seccomp::Profile;
use alloc::vec::Vec;

/// What `seccomp(SECCOMP_SET_MODE_FILTER, flags, &sock_fprog)` needs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter {
    /// `struct sock_filter[]`: eight bytes an instruction, little endian, at most 4096 instructions.
    pub program: Vec<u8>,
    /// SECCOMP_FILTER_FLAG_*: NEW_LISTENER is among them if and only if `notify`.
    pub flags: u32,
    /// The call returns a listener descriptor that belongs to the agent at `listenerPath`.
    pub notify: bool,
}

/// Compile the profile for this host's kernel.
///
/// Errors are ConfigInvalid with a pointer, or ConfigUnsupported if the program gets too long for the kernel.
pub fn compile(profile: &Profile<'_>) -> Result<Filter> {
    let default_action = words::default_action(profile)?;
    let entries = words::entries(profile)?;
    let notify = default_action == words::NOTIFY || entries.iter().any(|entry| entry.action == words::NOTIFY);
    let mut abis = Vec::new();
    for abi in abi::chosen(words::architectures(profile)?) {
        let rules = rules::of_abi(abi, &entries, default_action)?;
        abis.push((abi, ranges::cover(abi, rules, default_action)));
    }
    let program = generate::program(&abis, default_action)?;
    Ok(Filter { program, flags: words::flags(profile, notify)?, notify })
}
