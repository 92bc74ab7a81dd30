// SPDX-License-Identifier: Apache-2.0
//! Execution domains. Written by `python -m estiba.codegen`; do not edit.

/// OCI name to what personality(2) takes.
pub const PERSONALITIES: &[(&str, u32)] = &[("LINUX", 0x0), ("LINUX32", 0x8)];
