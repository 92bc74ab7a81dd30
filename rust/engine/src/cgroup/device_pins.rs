// SPDX-License-Identifier: Apache-2.0
//! Device programs kept in the host's bpf file system, so that a policy seen before is not loaded again.
//!
//! To load a program of 76 instructions costs as much as a new mount namespace. A name is the hash of the code, and
//! what is found under it is taken only if the kernel says that it is this code to the last instruction; so it does
//! not matter who put it there. Without a bpf file system at its usual place nothing is kept, and nothing is lost.

use crate::error::Result;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec;
use estiba_sys::bpf::{self, Instruction};
use estiba_sys::fd::{CWD, OwnedFd};
use estiba_sys::fs;

const FOLDER: &str = "/sys/fs/bpf/estiba";

/// Programs that stay at once. A host has a handful of policies; one that makes up a new policy for each container
/// shall not fill the kernel's memory: then the folder is emptied and begins anew.
const MOST: usize = 64;

/// The program of this code: the kept one, else what `load` makes of it, kept from now on.
pub fn kept(code: &[Instruction], load: impl FnOnce() -> Result<OwnedFd>) -> Result<OwnedFd> {
    let name = name(code);
    if let Ok(program) = bpf::pinned(&name) {
        let mut room = vec![Instruction::new(0, 0, 0, 0, 0); code.len()];
        if bpf::is_device_program(program.borrow(), code, &mut room) == Ok(true) {
            return Ok(program);
        }
    }
    let program = load()?;
    keep(&program, &name);
    Ok(program)
}

/// Best effort: a program that cannot be kept works as well.
fn keep(program: &OwnedFd, name: &CString) {
    let Ok(folder) = CString::new(FOLDER) else { return };
    if fs::make_dir(CWD, &folder, 0o700).is_err() {
        make_room(&folder);
    }
    let _ = bpf::pin(program.borrow(), name);
}

fn make_room(folder: &CString) {
    let Ok(folder) = fs::open(CWD, folder, fs::O_RDONLY | fs::O_DIRECTORY, 0) else { return };
    let mut names = vec![];
    let _ = fs::list_dir(folder.borrow(), &mut |name| names.push(CString::from(name)));
    if names.len() >= MOST {
        for name in names {
            let _ = fs::remove_file(folder.borrow(), &name);
        }
    }
}

/// FNV-1a over the code (64 bits). It only has to find, not to prove.
fn name(code: &[Instruction]) -> CString {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for instruction in code {
        for byte in instruction.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }
    CString::new(format!("{FOLDER}/{hash:016x}")).unwrap_or_default()
}
