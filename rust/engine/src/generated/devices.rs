// SPDX-License-Identifier: Apache-2.0
//! The devices that every container has. Written by `python -m estiba.codegen`; do not edit.

/// Path, major, minor of character devices.
pub const DEFAULT: &[(&str, u32, u32)] = &[
    ("/dev/null", 1, 3),
    ("/dev/zero", 1, 5),
    ("/dev/full", 1, 7),
    ("/dev/random", 1, 8),
    ("/dev/urandom", 1, 9),
    ("/dev/tty", 5, 0),
];
