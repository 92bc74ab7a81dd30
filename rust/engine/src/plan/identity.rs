// SPDX-License-Identifier: Apache-2.0
//! Kernel parameters.

use super::filesystem::text;
use super::{Origin, Plan};
use crate::error::Result;
use crate::spec::Spec;
use alloc::string::String;
use estiba_init::step::Step;

/// `linux.sysctl`: one file each, found by the key alone, so that no value can name another (CVE-2022-0811).
pub fn sysctls(plan: &mut Plan, spec: &Spec<'_>) -> Result<()> {
    for (key, value) in &spec.linux.sysctl {
        // "net/ipv4/ip_forward" is written too; a dot is then part of a name (sysctl(8)).
        let slashed = key.find(['.', '/']).is_some_and(|at| key[at..].starts_with('/'));
        let origin = Origin::Parameter { slashed };
        let path = if slashed { String::from(&**key) } else { exchanged(key) };
        plan.add(origin, Step::Sysctl { path: &text(&path, origin)?, value: value.as_bytes() });
    }
    Ok(())
}

/// The key that the config has for the path of a step.
pub fn key_of(path: &str, slashed: bool) -> String {
    if slashed { String::from(path) } else { exchanged(path) }
}

/// From dots to slashes and back: a slash in a key with dots is a dot in a name.
fn exchanged(text: &str) -> String {
    let other = |letter| match letter {
        '.' => '/',
        '/' => '.',
        letter => letter,
    };
    text.chars().map(other).collect()
}
