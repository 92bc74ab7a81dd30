// SPDX-License-Identifier: Apache-2.0
//! Kernel parameters and labels.

use super::filesystem::text;
use super::{Origin, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::{Process, Spec};
use alloc::format;
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

/// Mount labels need a file system that knows them; a host without SELinux refuses in words.
pub fn labels(plan: &mut Plan, spec: &Spec<'_>) -> Result<()> {
    if spec.linux.mount_label.as_ref().is_some_and(|label| !label.is_empty()) {
        let message = "SELinux mount labels are not built into estiba yet";
        return Err(Error::new(ErrorKind::ConfigUnsupported, message).at("/linux/mountLabel"));
    }
    match &spec.process {
        Some(process) => label_process(plan, process),
        None => Ok(()),
    }
}

/// What the next exec is confined by (AppArmor, SELinux).
pub fn label_process(plan: &mut Plan, process: &Process<'_>) -> Result<()> {
    if let Some(label) = process.selinux_label.as_ref().filter(|label| !label.is_empty()) {
        let origin = Origin::At("/process/selinuxLabel");
        plan.add(origin, Step::LabelExec { attribute: c"attr/exec", label: label.as_bytes() });
    }
    if let Some(profile) =
        process.apparmor_profile.as_ref().filter(|name| !matches!(&***name, "" | "unconfined"))
    {
        let origin = Origin::At("/process/apparmorProfile");
        let label = format!("exec {profile}");
        plan.add(origin, Step::LabelExec { attribute: c"attr/apparmor/exec", label: label.as_bytes() });
    }
    Ok(())
}
