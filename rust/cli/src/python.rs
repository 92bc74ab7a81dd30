// SPDX-License-Identifier: Apache-2.0
//! The hand-over to Python: the same argv, to the interpreter beside this command's own file or the one fixed at build.
//!
//! Never one from PATH, and with no variable that could change what an interpreter loads: the command may run as root
//! for a caller who chose the environment.

use crate::caller::Caller;
use crate::report::Failure;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use estiba_engine::error::words;
use estiba_sys::fd::CWD;
use estiba_sys::process::{Strings, execute};
use estiba_sys::{Errno, fs};

/// Where the package's own Python is, if whoever built this said so.
const FIXED: Option<&str> = option_env!("ESTIBA_PYTHON");

/// Replaces this program; returns only when there is no Python. `reason` is what it would have judged.
pub fn hand_over(caller: &Caller<'_>, reason: String) -> Failure {
    let tried = |interpreter: CString| match execute_with(&interpreter, caller) {
        Errno::ENOENT => format!("{interpreter:?}"),
        errno => format!("{interpreter:?}: {}", words(errno)),
    };
    let places: Vec<String> = interpreters().map(tried).collect();
    let hint = format!("install the estiba package beside its command; looked for {}", places.join(", "));
    Failure { message: reason, hint: Some(hint) }
}

fn interpreters() -> impl Iterator<Item = CString> {
    let beside = ["python3", "python"].into_iter().filter_map(|name| beside_this_file(name.as_bytes()));
    beside.chain(FIXED.and_then(|path| CString::new(path).ok()))
}

fn beside_this_file(name: &[u8]) -> Option<CString> {
    let mut buffer = [0; 4096];
    let this = fs::read_link(CWD, c"/proc/self/exe", &mut buffer).ok()?;
    let folder = this.iter().rposition(|&byte| byte == b'/')?;
    CString::new([this.get(..=folder)?, name].concat()).ok()
}

/// Comes back only if `interpreter` cannot be executed.
fn execute_with(interpreter: &CStr, caller: &Caller<'_>) -> Errno {
    let head = [interpreter, c"-I", c"-m", c"estiba"];
    let given = caller.arguments.get(1..).unwrap_or_default();
    let argv: Vec<u8> = head.iter().chain(given).flat_map(|word| word.to_bytes_with_nul()).copied().collect();
    let Some(argv) = Strings::new(&argv) else { return Errno::EINVAL };
    let mut environment = caller.environment.iter().copied().filter(|entry| passes(entry.to_bytes()));
    let words = head.len() + given.len() + caller.environment.len() + 3;
    execute(interpreter, argv, &mut environment, &mut alloc::vec![0; words * size_of::<usize>()])
}

fn passes(entry: &[u8]) -> bool {
    !entry.starts_with(b"PYTHON") && !entry.starts_with(b"LD_")
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn no_variable_of_python_or_the_loader_passes() {
        for entry in ["PYTHONPATH=/x", "PYTHONSTARTUP=x", "LD_PRELOAD=x.so", "LD_LIBRARY_PATH=."] {
            assert!(!passes(entry.as_bytes()), "{entry}");
        }
        assert!(passes(b"PATH=/bin"));
    }
}
