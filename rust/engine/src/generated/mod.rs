// SPDX-License-Identifier: Apache-2.0
//! Tables of estiba.tables. Written by `python -m estiba.codegen`; do not edit.

pub mod arguments;
pub mod capabilities;
pub mod devices;
pub mod errnos;
pub mod errors;
pub mod memory_policy;
pub mod mount_options;
pub mod namespaces;
pub mod personalities;
pub mod phrases;
pub mod rlimits;
pub mod scheduling;
pub mod seccomp;
pub mod signals;
pub mod syscalls;
pub mod sysctls;
pub mod transitions;
pub mod version;

/// Find `name` in a table that is sorted by name.
#[must_use]
pub fn lookup<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.binary_search_by(|entry| entry.0.cmp(name)).ok().and_then(|at| table.get(at)).map(|entry| entry.1)
}
