// SPDX-License-Identifier: Apache-2.0
//! The image: built with `--cfg estiba_image` by the engine's build script. Built any other way it is an empty program,
//! so that `cargo build`, `test` and `clippy` of the workspace need no special case.
#![cfg_attr(estiba_image, no_std, no_main)]

#[cfg(estiba_image)]
#[unsafe(no_mangle)]
fn estiba_main(_: estiba_sys::start::Stack) -> ! {
    estiba_init::main()
}

#[cfg(not(estiba_image))]
fn main() {
    eprintln!("estiba-init runs only inside a container");
}
