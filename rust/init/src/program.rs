// SPDX-License-Identifier: Apache-2.0
//! The program: the working directory it starts in, which file it is, why it could not be executed, its HOME.

use crate::plan::{Detail, PROOF};
use crate::run::{Failure, Outcome};
use core::ffi::CStr;
use estiba_sys::fd::{CWD, read};
use estiba_sys::process::Strings;
use estiba_sys::{Errno, fs, process};

/// Enters `path`. False: the runtime may not enter it (the user's own file system), the container's user may.
pub fn change_dir(path: &CStr, make: bool) -> Result<bool, Failure> {
    match fs::change_dir(path) {
        Err(Errno::ENOENT) if make => {
            let root = fs::open(CWD, c"/", fs::O_PATH | fs::O_DIRECTORY, 0)?;
            let made = crate::path::make_dirs(root.borrow(), path, 0o755)?;
            fs::change_dir_to(made.borrow())?;
        }
        Err(Errno::EACCES) => return Ok(false),
        done => done?,
    }
    check_inside_root().map(|()| true)
}

/// A directory outside the root reads as "(unreachable)..." (getcwd(2)): such a start is an escape (CVE-2024-21626).
#[inline(never)]
pub fn check_inside_root() -> Outcome {
    let mut buffer = [0; 4096];
    match process::working_directory(&mut buffer)?.first() {
        Some(b'/') => Ok(()),
        _ => Err(Failure::new(Detail::OutsideRoot, Errno::ENOENT)),
    }
}

/// Bytes out of the program's head that the parent's sentence names.
pub struct Proof {
    bytes: [u8; PROOF],
    length: usize,
}

impl Default for Proof {
    fn default() -> Proof {
        Proof { bytes: [0; PROOF], length: 0 }
    }
}

impl Proof {
    /// What fits of it.
    fn keep(&mut self, bytes: &[u8]) {
        self.length = 0;
        for (to, byte) in self.bytes.iter_mut().zip(bytes) {
            *to = *byte;
            self.length = self.length.wrapping_add(1);
        }
    }

    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}

/// The first candidate that can be executed, as execvp(3) looks for it: a folder of the name, a file without permission
/// and a folder that may not be searched are passed over. Otherwise the most telling reason: one that is there but
/// unusable wins over those that are missing.
pub fn find<'a>(candidates: Strings<'a>, foreign: bool, proof: &mut Proof) -> Result<&'a CStr, Failure> {
    let mut why = Failure::new(Detail::ProgramMissing, Errno::ENOENT);
    for candidate in candidates.iter() {
        match check(candidate, foreign, proof) {
            Ok(()) => return Ok(candidate),
            Err(Failure { errno: Errno::ENOENT | Errno::ENOTDIR, detail: Detail::ProgramMissing }) => {}
            Err(reason @ Failure { errno: Errno::EACCES, .. }) => why = reason,
            Err(reason) => return Err(reason),
        }
    }
    Err(why)
}

fn check(path: &CStr, foreign: bool, proof: &mut Proof) -> Outcome {
    fs::check_access(CWD, path, 1).map_err(|errno| why_not(path, errno))?;
    // A program that may be executed but not read is left to execve's own answer.
    let Ok(file) = fs::open(CWD, path, fs::O_RDONLY | fs::O_NONBLOCK, 0) else {
        let is_dir = fs::status_at(CWD, path, true).is_ok_and(|status| status.is_dir());
        return if is_dir { Err(IS_DIRECTORY) } else { Ok(()) };
    };
    let mut head = [0; 1024];
    let length = match read(file.borrow(), &mut head) {
        Err(Errno::EISDIR) => return Err(IS_DIRECTORY),
        length => length.unwrap_or(0),
    };
    let head = head.get(..length).unwrap_or(&[]);
    match head {
        [b'#', b'!', line @ ..] => check_interpreter(line, proof),
        [0x7f, b'E', b'L', b'F', ..] => check_elf(head, foreign, proof),
        _ => Ok(()),
    }
}

const IS_DIRECTORY: Failure = Failure { errno: Errno::EACCES, detail: Detail::ProgramIsDirectory };

/// What `path` is if this user may not execute it.
fn why_not(path: &CStr, errno: Errno) -> Failure {
    if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) {
        return Failure::new(Detail::ProgramMissing, errno);
    }
    match fs::status_at(CWD, path, true) {
        Err(errno) => Failure::new(Detail::ProgramMissing, errno),
        Ok(status) if status.is_dir() => IS_DIRECTORY,
        Ok(_) => Failure::new(Detail::ProgramNotExecutable, errno),
    }
}

fn check_interpreter(line: &[u8], proof: &mut Proof) -> Outcome {
    let end = line.iter().position(|&byte| byte == b'\n').unwrap_or(line.len());
    let line = line.get(..end).unwrap_or(line);
    let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(line.len());
    let name = line.get(start..).unwrap_or(&[]);
    let name = name.split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or(name);
    match exists(name) {
        Some(Errno::ENOENT | Errno::ENOTDIR) => {
            proof.keep(name);
            let carriage_return = name.ends_with(b"\r");
            let detail = if carriage_return {
                Detail::InterpreterHasCarriageReturn
            } else {
                Detail::InterpreterMissing
            };
            Err(Failure::new(detail, Errno::ENOENT))
        }
        _ => Ok(()),
    }
}

/// Why the file of this name cannot be found, if it cannot.
fn exists(name: &[u8]) -> Option<Errno> {
    let mut path = [0; 512];
    let room = path.get_mut(..name.len())?;
    room.copy_from_slice(name);
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    fs::status_at(CWD, path, true).err()
}

/// The processor (e_machine) and the loader (PT_INTERP) of a 64- or 32-bit little-endian ELF file (elf(5)).
fn check_elf(head: &[u8], foreign: bool, proof: &mut Proof) -> Outcome {
    const EM_386: u16 = 3;
    const EM_X86_64: u16 = 62;
    const PT_INTERP: u32 = 3;
    let two = |at: usize| head.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes));
    let four = |at: usize| head.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
    let Some(machine) = two(18) else { return Ok(()) };
    let little_endian = head.get(5) == Some(&1);
    if !little_endian || !matches!(machine, EM_386 | EM_X86_64) {
        if foreign {
            return Ok(()); // execve knows
        }
        proof.keep(&machine.to_le_bytes());
        return Err(Failure::new(Detail::WrongArchitecture, Errno::ENOEXEC));
    }
    let wide = head.get(4) == Some(&2);
    let (table, size, count) = if wide { (four(32), two(54), two(56)) } else { (four(28), two(42), two(44)) };
    let (Some(table), Some(size), Some(count)) = (table, size, count) else { return Ok(()) };
    for i in 0..usize::from(count) {
        let entry = (table as usize).saturating_add(i.saturating_mul(usize::from(size)));
        let Some(PT_INTERP) = four(entry) else { continue };
        let Some(offset) = four(entry.saturating_add(if wide { 8 } else { 4 })) else { return Ok(()) };
        let name = head.get(offset as usize..).and_then(|rest| CStr::from_bytes_until_nul(rest).ok());
        let absent = name.and_then(|name| exists(name.to_bytes()));
        if matches!(absent, Some(Errno::ENOENT | Errno::ENOTDIR)) {
            proof.keep(name.map_or(&[], CStr::to_bytes));
            return Err(Failure::new(Detail::LoaderMissing, Errno::ENOENT));
        }
    }
    Ok(())
}

/// Fills in "HOME=..." for this uid from /etc/passwd, else "HOME=/".
pub fn find_home(uid: u32, buffer: &mut [u8]) {
    const UNKNOWN: &[u8] = b"HOME=/";
    if let Some(start) = buffer.get_mut(..UNKNOWN.len()) {
        start.copy_from_slice(UNKNOWN);
    }
    let _ = look_up_home(uid, buffer); // without an entry it stays "/"
}

/// Reads the file in pieces; a line that does not fit is passed over. O_NONBLOCK: it may be a FIFO.
#[inline(never)]
fn look_up_home(uid: u32, to: &mut [u8]) -> Option<()> {
    let file = fs::open(CWD, c"/etc/passwd", fs::O_RDONLY | fs::O_NONBLOCK, 0).ok()?;
    let mut buffer = [0; 4096];
    let mut filled = 0usize;
    loop {
        let n = read(file.borrow(), buffer.get_mut(filled..)?).ok()?;
        filled = filled.checked_add(n)?;
        let mut rest = buffer.get(..filled)?;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            if let Some(home) = rest.get(..end).and_then(|line| home_in(line, uid)) {
                return write_home(home, to);
            }
            rest = rest.get(end.checked_add(1)?..)?;
        }
        if n == 0 {
            return write_home(home_in(rest, uid)?, to);
        }
        let left = rest.len();
        if left == buffer.len() {
            filled = 0;
        } else {
            buffer.copy_within(filled.checked_sub(left)?..filled, 0);
            filled = left;
        }
    }
}

/// The sixth field of a passwd(5) line whose third is `uid`.
fn home_in(line: &[u8], uid: u32) -> Option<&[u8]> {
    let mut fields = line.split(|&byte| byte == b':');
    let id = core::str::from_utf8(fields.nth(2)?).ok()?;
    (id.parse::<u32>().ok()? == uid).then_some(())?;
    fields.nth(2).filter(|home| home.starts_with(b"/"))
}

fn write_home(home: &[u8], to: &mut [u8]) -> Option<()> {
    let end = home.len().checked_add(5)?;
    to.get_mut(5..end)?.copy_from_slice(home);
    *to.get_mut(end)? = 0;
    Some(())
}
