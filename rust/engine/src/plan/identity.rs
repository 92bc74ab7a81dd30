// SPDX-License-Identifier: Apache-2.0
//! Kernel parameters.

use super::filesystem::text;
use super::{Origin, Plan};
use crate::error::Result;
use crate::spec::Spec;
use estiba_init::step::Step;

/// `linux.sysctl`: one file each, found by the key alone, so that no value can name another (CVE-2022-0811).
pub fn sysctls(plan: &mut Plan, spec: &Spec<'_>) -> Result<()> {
    for (key, value) in &spec.linux.sysctl {
        let origin = Origin::At("/linux/sysctl");
        // "net/ipv4/ip_forward" is written too; a dot is then part of a name (sysctl(8)).
        let slash = key.find('/');
        let dotted = slash.is_none() || key.find('.').is_some_and(|dot| Some(dot) < slash);
        let path = if dotted {
            key.chars()
                .map(|c| {
                    if c == '.' {
                        '/'
                    } else if c == '/' {
                        '.'
                    } else {
                        c
                    }
                })
                .collect()
        } else {
            alloc::string::String::from(&**key)
        };
        plan.add(origin, Step::Sysctl { path: &text(&path, origin)?, value: value.as_bytes() });
    }
    Ok(())
}
