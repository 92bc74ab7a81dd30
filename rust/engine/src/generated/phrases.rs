// SPDX-License-Identifier: Apache-2.0
//! Words that callers search for (estiba.tables.phrases). Written by `python -m estiba.codegen`; do not edit.

pub const NOT_FOUND: &str = "does not exist";
pub const NOT_RUNNING: &str = "container not running";
pub const PROCESS_GONE: &str = "no such process";
pub const PROGRAM_MISSING: &str = "no such file or directory";
pub const PROGRAM_NOT_EXECUTABLE: &str = "permission denied";
pub const PROGRAM_NOT_IN_PATH: &str = "executable file not found in $PATH";

/// No other message or hint may contain one of these.
pub const CALLERS: &[&str] = &[
    "permission denied",
    "operation not permitted",
    "executable file not found in",
    "no such file or directory",
    "no such process",
    "process already finished",
    "container not running",
    "does not exist",
];
