// SPDX-License-Identifier: Apache-2.0
//! bpf(2) as far as device programs of cgroup v2 need it: load, keep, attach, replace, detach, find again.

use crate::fd::{BorrowedFd, OwnedFd, duplicate_from};
use crate::{Errno, Result, nr, sc};
use core::ffi::CStr;

/// struct bpf_insn of linux/bpf.h. The two registers share a byte, the first in its low half (little endian).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u8,
    registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

impl Instruction {
    pub const fn new(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> Instruction {
        Instruction { code, registers: to & 15 | from << 4, offset, immediate }
    }

    pub const fn to(self) -> u8 {
        self.registers & 15
    }

    pub const fn from(self) -> u8 {
        self.registers >> 4
    }

    /// As it stands in memory.
    pub const fn bytes(self) -> [u8; 8] {
        let [a, b] = self.offset.to_ne_bytes();
        let [c, d, e, f] = self.immediate.to_ne_bytes();
        [self.code, self.registers, a, b, c, d, e, f]
    }
}

const PROG_LOAD: usize = 5;
const OBJ_PIN: usize = 6;
const OBJ_GET: usize = 7;
const PROG_ATTACH: usize = 8;
const PROG_DETACH: usize = 9;
const PROG_GET_FD_BY_ID: usize = 13;
const OBJ_GET_INFO_BY_FD: usize = 15;
const PROG_QUERY: usize = 16;
const PROG_TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
const ALLOW_MULTI: u32 = 1 << 1;
const REPLACE: u32 = 1 << 2;

/// union bpf_attr, zeroed beyond what a command uses. Its full size matters: BPF_PROG_QUERY of Linux 6.17 and later
/// writes the field `revision` (at 56) whatever size it was given.
#[repr(C, align(8))]
struct Attributes([u32; 40]);

impl Attributes {
    fn new(words: &[(usize, u32)]) -> Attributes {
        let mut attributes = Attributes([0; 40]);
        for &(at, word) in words {
            attributes.0[at] = word;
        }
        attributes
    }

    fn address(&mut self, at: usize, address: usize) {
        self.0[at] = address as u32;
        self.0[at + 1] = ((address as u64) >> 32) as u32;
    }
}

/// # Safety
/// Every address in `attributes` is valid for what `command` reads or writes there.
unsafe fn bpf(command: usize, attributes: &mut Attributes) -> Result<usize> {
    // SAFETY: `attributes` is writable for its size; addresses in it are the caller's promise.
    unsafe { sc!(nr::BPF, command, attributes.0.as_mut_ptr(), size_of::<Attributes>()) }
}

/// A descriptor from the kernel. 0 means "none" to later commands, so it is moved.
fn descriptor(fd: usize) -> Result<OwnedFd> {
    let fd = OwnedFd::take(fd as i32);
    if fd.raw() == 0 { duplicate_from(fd.borrow(), 1) } else { Ok(fd) }
}

/// Loads a program that decides about devices. `name` (15 letters at most) shows in bpftool.
pub fn load_device_program(code: &[Instruction], name: &CStr) -> Result<OwnedFd> {
    let mut attributes = Attributes::new(&[(0, PROG_TYPE_CGROUP_DEVICE), (1, code.len() as u32)]);
    attributes.address(2, code.as_ptr() as usize);
    attributes.address(4, c"Apache-2.0".as_ptr() as usize);
    for (at, &letter) in name.to_bytes().iter().take(15).enumerate() {
        attributes.0[12 + at / 4] |= u32::from(letter) << (at % 4 * 8);
    }
    let mut left = 30;
    loop {
        // SAFETY: `code` is readable for insn_cnt instructions, the licence is a C string.
        match unsafe { bpf(PROG_LOAD, &mut attributes) } {
            // A signal stopped the verifier (Linux 4.20 and later).
            Err(Errno::EAGAIN) if left > 0 => left -= 1,
            loaded => return descriptor(loaded?),
        }
    }
}

/// Gives a program a name in a bpf file system, where it outlives this process.
pub fn pin(program: BorrowedFd<'_>, path: &CStr) -> Result<()> {
    let mut attributes = Attributes::new(&[(2, program.raw() as u32)]);
    attributes.address(0, path.as_ptr() as usize);
    // SAFETY: the path is a C string.
    unsafe { bpf(OBJ_PIN, &mut attributes) }.map(drop)
}

/// Opens what has this name in a bpf file system; it may be anything that can be kept there.
pub fn pinned(path: &CStr) -> Result<OwnedFd> {
    let mut attributes = Attributes::new(&[]);
    attributes.address(0, path.as_ptr() as usize);
    // SAFETY: the path is a C string.
    descriptor(unsafe { bpf(OBJ_GET, &mut attributes) }?)
}

/// struct bpf_prog_info of linux/bpf.h up to the fields that are read here; the kernel fills in no more than asked.
#[repr(C)]
#[derive(Default)]
struct ProgramInfo {
    kind: u32,
    id: u32,
    tag: [u8; 8],
    machine_length: u32,
    code_length: u32,
    machine_code: u64,
    code: u64,
}

/// Says whether `program` decides about devices by exactly this code, as the kernel runs it.
pub fn is_device_program(
    program: BorrowedFd<'_>,
    code: &[Instruction],
    room: &mut [Instruction],
) -> Result<bool> {
    let mut info = ProgramInfo {
        code_length: size_of_val(room) as u32,
        code: room.as_mut_ptr() as u64,
        ..ProgramInfo::default()
    };
    let mut attributes = Attributes::new(&[(0, program.raw() as u32), (1, size_of::<ProgramInfo>() as u32)]);
    attributes.address(2, (&raw mut info) as usize);
    // SAFETY: `info` is writable for info_len bytes, and `room` for the length that `info` names.
    unsafe { bpf(OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    let is_whole = info.code_length as usize == size_of_val(code) && info.code != 0;
    Ok(info.kind == PROG_TYPE_CGROUP_DEVICE && is_whole && room.starts_with(code))
}

/// Adds a program to a cgroup; beside those of its parents all must agree. With `instead` it takes that one's place,
/// and no question falls between the two.
pub fn attach_device_program(
    cgroup: BorrowedFd<'_>,
    program: BorrowedFd<'_>,
    instead: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let flags = if instead.is_some() { ALLOW_MULTI | REPLACE } else { ALLOW_MULTI };
    let old = instead.map_or(0, BorrowedFd::raw);
    let words = [
        (0, cgroup.raw() as u32),
        (1, program.raw() as u32),
        (2, ATTACH_CGROUP_DEVICE),
        (3, flags),
        (4, old as u32),
    ];
    // SAFETY: no pointers.
    unsafe { bpf(PROG_ATTACH, &mut Attributes::new(&words)) }.map(drop)
}

pub fn detach_device_program(cgroup: BorrowedFd<'_>, program: BorrowedFd<'_>) -> Result<()> {
    let words = [(0, cgroup.raw() as u32), (1, program.raw() as u32), (2, ATTACH_CGROUP_DEVICE)];
    // SAFETY: no pointers.
    unsafe { bpf(PROG_DETACH, &mut Attributes::new(&words)) }.map(drop)
}

/// Most programs that one cgroup can have of a kind.
pub const MAX_PROGRAMS: usize = 64;

/// The ids of the programs attached to this very cgroup, in `ids`; returns how many.
pub fn device_programs(cgroup: BorrowedFd<'_>, ids: &mut [u32; MAX_PROGRAMS]) -> Result<usize> {
    let mut attributes =
        Attributes::new(&[(0, cgroup.raw() as u32), (1, ATTACH_CGROUP_DEVICE), (6, MAX_PROGRAMS as u32)]);
    attributes.address(4, ids.as_mut_ptr() as usize);
    // SAFETY: `ids` has room for prog_cnt ids.
    unsafe { bpf(PROG_QUERY, &mut attributes) }?;
    Ok((attributes.0[6] as usize).min(MAX_PROGRAMS))
}

pub fn program_by_id(id: u32) -> Result<OwnedFd> {
    // SAFETY: no pointers.
    descriptor(unsafe { bpf(PROG_GET_FD_BY_ID, &mut Attributes::new(&[(0, id)])) }?)
}
