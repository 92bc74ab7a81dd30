// SPDX-License-Identifier: Apache-2.0
//! Why the container's program cannot be executed. Its own ENOENT and EACCES are told in the words that callers turn
//! into 127 and 126: here, and only here.

use crate::error::{Error, ErrorKind, words};
use crate::generated::phrases::{PROGRAM_MISSING, PROGRAM_NOT_EXECUTABLE, PROGRAM_NOT_IN_PATH};
use alloc::format;
use alloc::string::{String, ToString};
use estiba_init::plan::Detail;
use estiba_sys::Errno;

/// `proof`: what init found in the program's head; see estiba_init::plan.
pub fn failed(name: &str, detail: Detail, errno: Errno, proof: &[u8]) -> Error {
    let (why, hint) = reason(name, detail, errno, proof);
    let message = format!("exec {name:?}: {why}");
    let error = Error { errno: Some(errno), ..Error::new(ErrorKind::ExecFailed, message) };
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

fn reason(name: &str, detail: Detail, errno: Errno, proof: &[u8]) -> (String, Option<&'static str>) {
    let named = || format!("{:?}", String::from_utf8_lossy(proof).trim_end_matches('\r'));
    match detail {
        Detail::ProgramMissing if name.contains('/') => (
            PROGRAM_MISSING.to_string(),
            Some("the path is looked up inside the container's root file system"),
        ),
        Detail::ProgramMissing => {
            (PROGRAM_NOT_IN_PATH.to_string(), Some("install it in the image, or name its folder"))
        }
        Detail::ProgramIsDirectory => (format!("is a directory: {PROGRAM_NOT_EXECUTABLE}"), None),
        Detail::ProgramNotExecutable => (
            PROGRAM_NOT_EXECUTABLE.to_string(),
            Some("the file needs its execute permission, on a mount without noexec"),
        ),
        Detail::InterpreterMissing => (
            format!("its interpreter {}, named after \"#!\", is missing: {PROGRAM_MISSING}", named()),
            Some("the script is there; install its interpreter in the image, or correct its first line"),
        ),
        Detail::InterpreterHasCarriageReturn => (
            format!("its interpreter {} is followed by a carriage return: {PROGRAM_MISSING}", named()),
            Some("convert the script's line ends from CRLF to LF"),
        ),
        Detail::LoaderMissing => (
            format!("its ELF loader {} is missing: {PROGRAM_MISSING}", named()),
            Some("the program is there; a glibc program needs a glibc image, a musl program a musl image"),
        ),
        Detail::WrongArchitecture => (
            format!(
                "exec format error: the program is made for {}, this machine is x86_64 (ENOEXEC)",
                machine(proof)
            ),
            Some("use an image for this machine's architecture"),
        ),
        _ => (from_errno(errno), advice(errno)),
    }
}

/// For what execve(2) itself has answered.
fn advice(errno: Errno) -> Option<&'static str> {
    match errno {
        Errno::EPERM => Some("does the seccomp profile or a security module forbid to execute it?"),
        Errno::EACCES => {
            Some("the file itself may be executed: may its interpreter, and does a security module allow it?")
        }
        Errno::ELOOP => Some("its interpreter is a script again, and so on; see execve(2)"),
        Errno::E2BIG => Some("process.args and process.env together are too long; see execve(2)"),
        _ => None,
    }
}

fn from_errno(errno: Errno) -> String {
    match errno {
        Errno::ENOENT => PROGRAM_MISSING.to_string(),
        Errno::EACCES => PROGRAM_NOT_EXECUTABLE.to_string(),
        Errno::ENOEXEC => {
            "exec format error: neither a program of this machine nor a script with \"#!\" (ENOEXEC)"
                .to_string()
        }
        errno => words(errno),
    }
}

/// e_machine of elf.h, as image platforms call it.
fn machine(proof: &[u8]) -> String {
    let Some(number) = proof.first_chunk().map(|bytes| u16::from_le_bytes(*bytes)) else {
        return "another processor".to_string();
    };
    let name = match number {
        2 | 18 | 43 => "sparc",
        8 => "mips",
        20 => "ppc",
        21 => "ppc64",
        22 => "s390x",
        40 => "arm",
        183 => "aarch64",
        243 => "riscv64",
        258 => "loongarch64",
        _ => return format!("processor {number}"),
    };
    name.to_string()
}
