// SPDX-License-Identifier: Apache-2.0
//! The program: two entries into the same command. The released one has no libc and starts from the kernel's own stack
//! (`--cfg estiba_bare`); built any other way it is an ordinary program, for tests and coverage.
#![cfg_attr(estiba_bare, no_std, no_main)]

#[cfg(estiba_bare)]
extern crate alloc;

#[cfg(estiba_bare)]
#[unsafe(no_mangle)]
fn estiba_main(stack: estiba_sys::start::Stack) -> ! {
    let arguments: alloc::vec::Vec<_> = stack.arguments().collect();
    let environment: alloc::vec::Vec<_> = stack.environment().collect();
    estiba_sys::process::exit(estiba_cli::main(&arguments, &environment))
}

#[cfg(not(estiba_bare))]
fn main() {
    use std::ffi::{CString, OsString};
    use std::os::unix::ffi::OsStringExt;
    // The kernel ends each string with its first NUL, so none of them has one inside.
    let owned = |text: OsString| CString::new(text.into_vec()).unwrap_or_default();
    let arguments: Vec<CString> = std::env::args_os().map(owned).collect();
    let environment: Vec<CString> = std::env::vars_os()
        .map(|(mut name, value)| {
            name.push("=");
            name.push(value);
            owned(name)
        })
        .collect();
    let borrow = |texts: &'static [CString]| texts.iter().map(CString::as_c_str).collect::<Vec<_>>();
    let (arguments, environment) = (borrow(arguments.leak()), borrow(environment.leak()));
    estiba_sys::process::exit(estiba_cli::main(&arguments, &environment))
}
