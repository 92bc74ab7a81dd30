// SPDX-License-Identifier: Apache-2.0
//! Labels of security modules: of the process (SELinux, AppArmor), and of the file systems that are mounted for it.

use super::{Origin, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::spec::{Process, Spec};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use estiba_init::step::Step;

/// `linux.mountLabel`, where the host knows such labels.
pub fn of_mounts<'s>(spec: &'s Spec<'_>, host: &Host) -> Result<Option<&'s str>> {
    let label = spec.linux.mount_label.as_deref().filter(|label| !label.is_empty());
    match label {
        Some(_) if !host.has_selinux => Err(without_selinux("/linux/mountLabel")),
        label => Ok(label),
    }
}

/// The data of a new file system with the label that all its files get (mount(8), "context").
pub fn with_context<'d>(data: &'d str, label: Option<&str>) -> Cow<'d, str> {
    let Some(label) = label else { return Cow::Borrowed(data) };
    if data.split(',').any(|option| option.starts_with("context=")) {
        return Cow::Borrowed(data);
    }
    // Quoted, as categories are written with commas: "s0:c1,c2".
    let comma = if data.is_empty() { "" } else { "," };
    Cow::Owned(format!("{data}{comma}context=\"{label}\""))
}

/// How a file system of this kind takes the label: none, by its data, or on its root alone. The kernel's own trees have
/// labels of their policy's; the one of message queues is older than its mount.
pub fn for_kind<'l>(kind: &str, label: Option<&'l str>) -> (Option<&'l str>, Option<&'l str>) {
    match kind {
        "proc" | "sysfs" | "cgroup" | "cgroup2" => (None, None),
        "mqueue" => (None, label),
        _ => (label, None),
    }
}

fn without_selinux(pointer: &str) -> Error {
    let message = String::from("the label is SELinux's, and it is not active on this host");
    Error::new(ErrorKind::HostUnsupported, message)
        .at(pointer)
        .hint("take the label out, or start the host with SELinux")
}

/// What the next exec is confined by (AppArmor, SELinux).
pub fn label_process(plan: &mut Plan, process: &Process<'_>, host: &Host) -> Result<()> {
    if let Some(label) = process.selinux_label.as_ref().filter(|label| !label.is_empty()) {
        if !host.has_selinux {
            return Err(without_selinux("/process/selinuxLabel"));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_is_quoted_and_comes_last() {
        assert_eq!(with_context("mode=755", Some("u:r:t:s0:c1,c2")), "mode=755,context=\"u:r:t:s0:c1,c2\"");
        assert_eq!(with_context("", Some("u:r:t")), "context=\"u:r:t\"");
    }

    #[test]
    fn a_context_of_the_config_wins() {
        assert_eq!(with_context("context=\"a:b:c\"", Some("u:r:t")), "context=\"a:b:c\"");
        assert_eq!(with_context("mode=755", None), "mode=755");
    }
}
