// SPDX-License-Identifier: Apache-2.0
//! Versions that estiba tells its callers (estiba.tables.version). Written by `python -m estiba.codegen`; do not edit.

pub const VERSION: &str = "0.1.0";
pub const SPEC: &str = "1.3.0";
pub const SPEC_OLDEST: &str = "1.0.0";
pub const TEXT: &str = "estiba version 0.1.0\nspec: 1.3.0\n";
